/** Most projects of which anything is kept. */
const MAX_PROJECTS = 64;

/** Something that is read once per project and kept until it is forgotten. Bounded: the oldest goes first. */
export class KeptByProject<T> {
  private readonly kept = new Map<string, Promise<T>>();

  constructor(private readonly load: (project: string) => Promise<T>) {}

  of(project: string): Promise<T> {
    const kept = this.kept.get(project);
    if (kept !== undefined) return kept;
    const [oldest] = this.kept.keys();
    if (this.kept.size >= MAX_PROJECTS && oldest !== undefined) this.kept.delete(oldest);
    const loading = this.load(project);
    this.kept.set(project, loading);
    loading.catch(() => {
      if (this.kept.get(project) === loading) this.kept.delete(project);
    });
    return loading;
  }

  /** Who waits for it at this moment still gets what is read already, and is to ask again. */
  forget(project: string): void {
    this.kept.delete(project);
  }
}
