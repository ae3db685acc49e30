import type { TableColumnOptions } from 'typeorm';

/** Columns that every table of named objects has, for its migration; see `ResourceEntity`. */
export function resourceColumns(): TableColumnOptions[] {
  return [
    { name: 'id', type: 'text', isPrimary: true },
    { name: 'project', type: 'text' },
    { name: 'name', type: 'text' },
    { name: 'labels', type: 'text' },
    { name: 'revision', type: 'integer' },
    { name: 'created_at', type: 'text' },
    { name: 'updated_at', type: 'text' },
  ];
}
