/** Topic filters of MQTT [MQTT-4.7], compared level by level. Pure. */

/** Whether a topic is named by a filter. A wildcard at the front does not name topics that begin with `$` [MQTT-4.7.2-1]. */
export function names(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false;
  const [wanted, levels] = [filter.split('/'), topic.split('/')];
  for (const [at, level] of wanted.entries()) {
    if (level === '#') return true;
    if (at >= levels.length || (level !== '+' && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

/** Whether every topic that `inner` names is named by `outer` too. */
export function covers(outer: string, inner: string): boolean {
  if (inner.startsWith('$') !== outer.startsWith('$') && !sameFirstLevel(outer, inner)) return false;
  const [wide, narrow] = [outer.split('/'), inner.split('/')];
  for (const [at, level] of wide.entries()) {
    if (level === '#') return true;
    const other = narrow[at];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return wide.length === narrow.length;
}

function sameFirstLevel(a: string, b: string): boolean {
  return a.split('/')[0] === b.split('/')[0];
}

/** How a subscription on a filter can be wrong; undefined when it is right [MQTT-4.7.1-1 to -3]. */
export function filterProblem(filter: string, maxLevels: number): string | undefined {
  if (filter.length === 0) return 'a topic filter is not empty';
  const levels = filter.split('/');
  if (levels.length > maxLevels) return `a topic filter has at most ${maxLevels} levels`;
  if (levels[0] === '$share') return 'shared subscriptions are not supported';
  for (const [at, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || at !== levels.length - 1))
      return '# stands alone and is the last level of a topic filter';
    if (level.includes('+') && level !== '+') return '+ stands alone in its level';
  }
  return undefined;
}
