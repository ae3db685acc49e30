import { Injectable } from '@nestjs/common';
import type { RoutedMessage } from '@selvage/protocol';

type Reader = (message: RoutedMessage) => void;

/** Who looks at what routes to `live` carry, now. Nobody looking means that it is gone. */
@Injectable()
export class LiveRoutes {
  private readonly readers = new Map<string, Set<Reader>>();

  tell(uid: string, message: RoutedMessage): void {
    for (const reader of this.readers.get(uid) ?? []) reader(message);
  }

  /** Gives back what ends it. */
  read(uid: string, reader: Reader): () => void {
    const own = this.readers.get(uid) ?? new Set();
    this.readers.set(uid, own.add(reader));
    return () => {
      own.delete(reader);
      if (own.size === 0) this.readers.delete(uid);
    };
  }
}
