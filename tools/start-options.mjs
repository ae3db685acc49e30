/** What `npm start` is asked to do. Plain Node: it runs before anything is installed. */
import { parseArgs } from 'node:util';

export const USAGE = `npm start [-- OPTIONS]

  --demo       also a sample app, a simulated thermometer, and a route that shows what it says
  --hub-only   the hub alone: this machine does not become a node
  --no-docker  leave the Docker engine alone; without one the node reports it as missing
  --help       this text

Data is in .selvage, or where SELVAGE_DATA says. Ports and the rest: docs/configuration.md.
`;

/**
 * Reads the options, those included that npm took for its own because the `--` was forgotten.
 * @returns {{ help?: true, problem?: string, demo?: boolean, hubOnly?: boolean, noDocker?: boolean, forgotten?: string[] }}
 *   `forgotten`: the options that came by way of npm
 */
export function readOptions(args, env) {
  const flag = { type: 'boolean', default: false };
  const known = { demo: flag, 'hub-only': flag, 'no-docker': flag, help: { ...flag, short: 'h' } };
  try {
    const { values } = parseArgs({ args, options: known, strict: true });
    if (values.help) return { help: true };
    const forgotten = takenByNpm(env);
    const has = (name) => values[name] || forgotten.includes(`--${name}`);
    if (has('demo') && has('hub-only')) return { problem: '--demo needs a node: leave --hub-only out' };
    return { demo: has('demo'), hubOnly: has('hub-only'), noDocker: has('no-docker'), forgotten };
  } catch (error) {
    return { problem: error.message.split('. ')[0] };
  }
}

/** npm hands an option that it does not know on as a setting: `--no-docker` as `docker` with an empty value. */
function takenByNpm(env) {
  return [
    ...(env.npm_config_demo ? ['--demo'] : []),
    ...(env.npm_config_hub_only ? ['--hub-only'] : []),
    ...(env.npm_config_no_docker || ['', 'false'].includes(env.npm_config_docker) ? ['--no-docker'] : []),
  ];
}
