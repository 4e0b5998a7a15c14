export const parts: readonly string[];
export const prebuilds: string;
export function binariesOf(options?: { sources?: boolean }): Record<string, string>;
export function sizeFault(size: number): string | undefined;
