/** The code that the driver gave: SQLSTATE, errno or SQLite's name. */
export function driverCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const fields = new Map<string, unknown>(Object.entries(error));
  const own = fields.get('code');
  return typeof own === 'string' ? own : fields.has('driverError') ? driverCode(fields.get('driverError')) : '';
}
