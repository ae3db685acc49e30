/** What has to be done so that the routes that are open are those that are wanted. Pure. */
import type { DesiredRoute } from '@selvage/protocol';

export type Step =
  { readonly kind: 'close'; readonly uid: string } | { readonly kind: 'open'; readonly route: DesiredRoute };

/** What is no longer wanted is closed first; a route that is wanted otherwise is closed and opened. Others are not touched. */
export function plan(open: ReadonlyMap<string, DesiredRoute>, wanted: readonly DesiredRoute[]): Step[] {
  const byUid = new Map(wanted.map((route) => [route.uid, route]));
  const stays = (uid: string): boolean => JSON.stringify(open.get(uid)) === JSON.stringify(byUid.get(uid));
  const closed = [...open.keys()].filter((uid) => !stays(uid));
  const opened = [...byUid.values()].filter(({ uid }) => !stays(uid));
  return [
    ...closed.map((uid) => ({ kind: 'close', uid }) as const),
    ...opened.map((route) => ({ kind: 'open', route }) as const),
  ];
}
