/** What a device can report and be told, as data, and the types that follow from it. */
import { type DeviceProperty, deviceProperty, EdgeError, isTwinKey } from '@selvage/protocol';

/** One value of a device. `access: 'r'` is reported by the device and never expected of it; without it a value goes both ways. */
export interface Property {
  readonly type: DeviceProperty['type'];
  readonly access?: DeviceProperty['access'];
  readonly description?: string;
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
  readonly optional?: boolean;
}

/** The properties of a device by their keys. */
export type Model = Readonly<Record<string, Property>>;
/** What a value is in a program; the protocol has texts. */
export type Scalar = string | number | boolean;

/** The type of a property's value; without a model it may be anything. */
export type ValueOf<P extends Property> = Property['type'] extends P['type']
  ? Scalar
  : P['type'] extends 'boolean'
    ? boolean
    : P['type'] extends 'int' | 'float'
      ? number
      : P extends { readonly enum: readonly (infer V extends string)[] }
        ? V
        : string;

/** The same as it is read: without a model every value stays the text that it is in the protocol. */
export type ReadOf<P extends Property> = Property['type'] extends P['type'] ? string : ValueOf<P>;

/** What `twin.report` takes. */
export type Reported<M extends Model> = { readonly [K in keyof M]?: ValueOf<M[K]> };

/** What handlers of `expected` get: the keys of the model that are not read only. */
export type Expected<M extends Model> = {
  readonly [K in keyof M as M[K] extends { readonly access: 'r' } ? never : K]?: ReadOf<M[K]>;
};

/** Checks a model once and keeps its literal types, so that values are typed by it. Throws `bad_request` and names the property. */
export function defineModel<const M extends Model>(model: M): M {
  for (const [key, property] of Object.entries(model)) {
    if (!isTwinKey(key)) {
      throw new EdgeError('bad_request', `${key}: a key has 1 to 128 letters, digits and _ - . , : / @ #.`);
    }
    const read = deviceProperty.safeParse(property);
    if (read.success) continue;
    const problems = read.error.issues.map(({ path, message }) => [...path, message].join(': '));
    throw new EdgeError('bad_request', `${key}: ${problems.join('; ')}.`);
  }
  return Object.freeze(model);
}
