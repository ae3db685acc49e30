import { EdgeError } from '@selvage/protocol';

interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string | undefined;
}

const PAGE = 500;
const MAX_PAGES = 2000;

/** All objects of a list, page by page, or the first `limit` of them. */
export async function everything<T>(
  page: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const asked = Math.min(PAGE, limit - items.length);
    const next: Page<T> = await page({ limit: asked, ...(cursor !== undefined && { cursor }) });
    items.push(...next.items);
    cursor = next.cursor;
    if (cursor === undefined || items.length >= limit) return items;
  }
  throw new EdgeError('internal', `The list did not end after ${MAX_PAGES} pages; narrow it with -l.`);
}
