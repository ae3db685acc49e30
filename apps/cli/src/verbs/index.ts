import type { Register } from '../world/index.js';
import { apply } from './apply.js';
import { cert } from './cert.js';
import { completion } from './completion.js';
import { remove } from './delete.js';
import { describe } from './describe.js';
import { endpoint } from './endpoint.js';
import { get } from './get.js';
import { history } from './history.js';
import { login } from './login.js';
import { logout } from './logout.js';
import { logs } from './logs.js';
import { node } from './node.js';
import { password } from './password.js';
import { project } from './project.js';
import { rollout } from './rollout.js';
import { route } from './route.js';
import { set } from './set.js';
import { token } from './token.js';
import { version } from './version.js';
import { why } from './why.js';

/** Every verb, in the order of the help text. */
export const verbs: readonly Register[] = [
  login,
  logout,
  get,
  describe,
  apply,
  remove,
  logs,
  why,
  rollout,
  set,
  history,
  node,
  route,
  endpoint,
  cert,
  password,
  token,
  project,
  completion,
  version,
];
