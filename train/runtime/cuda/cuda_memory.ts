import { Handle } from "../handles.ts";
import type { Cudart } from "./cudart.ts";

/** Host memory that goes to a GPU, or comes from it, in one copy at most: 256 MiB. */
const COPY = 1 << 28;

/** A GPU's memory with several users: given back when the last of them is done. */
export class CudaMemory {
  readonly #handle: Handle;
  readonly #cudart: Cudart;
  #users = 1;

  /** Allocates; the content is whatever was there. */
  constructor(cudart: Cudart, readonly bytes: number) {
    // Nothing cannot be pointed to.
    const address = cudart.allocate(Math.max(bytes, 1));
    this.#cudart = cudart;
    this.#handle = new Handle("DeviceMemory", address, (address) => cudart.free(address));
  }

  /** The GPU's number. */
  get device(): number {
    return this.#cudart.device;
  }

  get address(): bigint {
    return this.#handle.address;
  }

  /** Another user; `drop` is for each to call once, the first one included. */
  share(): this {
    this.#users++;
    return this;
  }

  /** Ends one user's use; the last one's frees it. */
  drop(): void {
    if (--this.#users === 0) this.#handle[Symbol.dispose]();
  }

  /** Copies bytes from an offset on to the host. */
  read(offset: number, into: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < into.length; at += COPY) {
      const part = into.subarray(at, at + COPY);
      this.#cudart.toHost(part, this.address + BigInt(offset + at));
    }
  }

  /** Copies bytes from the host to an offset. */
  write(offset: number, from: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < from.length; at += COPY) {
      const part = from.subarray(at, at + COPY);
      this.#cudart.toDevice(this.address + BigInt(offset + at), part);
    }
  }

  /** Copies bytes of the same GPU's memory to an offset of this one. */
  copy(
    to: number,
    from: CudaMemory,
    { offset, bytes }: { readonly offset: number; readonly bytes: number },
  ): void {
    if (bytes === 0) return;
    this.#cudart.onDevice(this.address + BigInt(to), from.address + BigInt(offset), bytes);
  }

  /** Sets bytes to zero. */
  clear(offset: number, bytes: number): void {
    if (bytes > 0) this.#cudart.clear(this.address + BigInt(offset), bytes);
  }
}
