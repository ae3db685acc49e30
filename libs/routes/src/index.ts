export { type Filter, readFilter, readTransform, type Seen, type Transform } from './expressions.js';
export { type Hop, loopIn, topicsOf } from './loops.js';
export { byPathExactness, matchPath, pathShape, type PathTemplate, readPath } from './paths.js';
export { checkTemplate, fill, MESSAGE_VARIABLES, variablesOf } from './templates.js';
export { byExactness, type Captures, matchTopic, wholeFilter } from './topics.js';
