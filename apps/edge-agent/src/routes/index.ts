export { createRoutes, type Routes } from './create-routes.js';
export type { RoutesOptions } from './options.js';
export { RouteRules } from './rules.js';
