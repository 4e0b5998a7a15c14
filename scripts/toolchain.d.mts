import type { SpawnSyncOptions } from 'node:child_process';

export declare const root: string;
export declare const jobs: string;
export declare function environment(): NodeJS.ProcessEnv;
export declare function run(command: string, args: readonly string[], options?: SpawnSyncOptions): string;
export declare function read(command: string, args: readonly string[], options?: SpawnSyncOptions): string;
export declare function tool(name: string): string;
export declare function sourceHash(): string;
