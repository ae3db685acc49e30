import type { EdgeError, ErrorCode } from '@selvage/protocol';

/** As in sysexits.h: the configuration has to be changed before another try is of use. */
const CONFIG = 78;
const CODES: Partial<Record<ErrorCode, number>> = {
  config_invalid: CONFIG,
  data_folder_in_use: CONFIG,
  key_file_unreadable: CONFIG,
  hub_unreachable: 3,
  deadline_exceeded: 3,
  node_offline: 3,
};

/** 0 done, 1 refused, 2 usage, 3 unreachable, 78 configuration. */
export function exitCodeOf(error: EdgeError): number {
  return CODES[error.code] ?? 1;
}
