export declare function processorsBest(cpuinfo?: string): { vectors: string; products: string };
