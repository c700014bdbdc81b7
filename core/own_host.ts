/** The names under which this machine's own loopback is asked; any port, so that tunnels work. */
const OWN_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/** Whether a request's `Host` means this machine: the name of another site may be made to lead here. */
export function isOwnHost(host: string): boolean {
  return OWN_HOST.test(host);
}
