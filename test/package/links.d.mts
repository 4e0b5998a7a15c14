export function deadLinks(pages: Readonly<Record<string, string>>, has: (path: string) => boolean): string[];
