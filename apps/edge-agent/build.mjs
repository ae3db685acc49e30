import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import ts from 'typescript';

/**
 * Bundles the program into `dist/main.js`, on top of what tsc emitted: one file starts faster and takes less memory than hundreds.
 * The SQLite driver stays outside, because of its native part.
 */

/** Ways to reach an engine over SSH and to build images, which the agent does not use. They would cost 20 MB of memory. */
const unused = /^(ssh2|cpu-features|protobufjs|@grpc\/grpc-js|@grpc\/proto-loader|tar-fs|@balena\/dockerignore)$/;
const stub = `
  const refuse = () => { throw new Error('this part is not in the agent'); };
  module.exports = new Proxy(refuse, {
    get: (_target, name) => (name === '__esModule' ? undefined : module.exports),
    apply: refuse,
    construct: refuse,
  });
`;

/** Of node-forge, libs/pki reads and writes ASN.1 only. */
const forge = `
  module.exports = require('node-forge/lib/forge.js');
  require('node-forge/lib/asn1.js');
`;

/**
 * Nothing in libs/protocol does anything but make schemas: says so of each constant, so that those of the API, which the agent has no
 * use for, stay out. That is 8 MB of memory.
 */
async function withPureConstants(path) {
  const text = await readFile(path, 'utf8');
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023);
  const values = statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations.map(({ initializer }) => initializer));
  let pure = text;
  for (const { pos, end } of values.filter((value) => value !== undefined).reverse())
    pure = `${pure.slice(0, pos)} /* @__PURE__ */ (() => (${pure.slice(pos, end)}))()${pure.slice(end)}`;
  return { contents: pure, loader: 'ts' };
}

const stubs = {
  name: 'stubs',
  setup(plugin) {
    plugin.onResolve({ filter: /^node-forge$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: 'forge',
      pluginData: resolveDir,
    }));
    plugin.onLoad({ filter: /.*/, namespace: 'forge' }, ({ pluginData }) => ({
      contents: forge,
      resolveDir: pluginData,
    }));
    plugin.onLoad({ filter: /libs\/protocol\/src\/[^/]+\.ts$/ }, ({ path }) => withPureConstants(path));
    // Error messages in fifty languages.
    plugin.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: 'export {};' }));
    plugin.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'stub' }));
    plugin.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: stub, loader: 'js' }));
  },
};

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // The libs' sources, so that only what is used comes along.
  conditions: ['@selvage/source'],
  external: ['sqlite3'],
  plugins: [stubs],
  sourcemap: true,
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
  // What was written for CommonJS asks for these.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});
