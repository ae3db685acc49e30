import { Packr } from 'msgpackr';

/**
 * Plain MessagePack maps, readable by every other implementation: no records, no structured clones. The last are refused when they
 * come: with their references a hundred bytes stand for more than a program can ever walk through.
 */
export const packr = new Packr({
  useRecords: false,
  encodeUndefinedAsNil: false,
  mapsAsObjects: true,
  int64AsType: 'number',
  structuredClone: false,
});
