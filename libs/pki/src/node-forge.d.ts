import 'node-forge';

/** Where the published types of forge fall short of it. */
declare module 'node-forge' {
  namespace asn1 {
    /** A tag of a context is any number. */
    function create(...node: [tagClass: Class, type: number, constructed: boolean, value: string | Asn1[]]): Asn1;
    /** The reader takes options. */
    function fromDer(bytes: util.ByteBuffer, options: Record<string, boolean>): Asn1;
  }
}
