/** Makes this process collect its garbage whenever its parent asks; the parent is told that it is up. */
export function answerCollect(): void {
  process.on('message', () => {
    // Twice: what the first one finalizes, the second one frees.
    globalThis.gc?.();
    globalThis.gc?.();
    process.send?.({ is: 'collected' });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ is: 'up' });
}
