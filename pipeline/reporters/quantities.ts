/**
 * A duration for a person: `0.3 s`, `12.3 s`, `4 min 12 s`, `2 h 05 min`.
 * @param seconds 0 or more
 */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A rough duration, for estimates: `8 s`, `about 2 min` is written as `2 min`, `1 h 10 min`, `12 days`. */
export function formatEstimate(seconds: number): string {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 57.5) return `${Math.round(seconds / 5) * 5} s`;
  if (seconds >= 3 * DAY) return `${Math.round(seconds / DAY)} days`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** Bytes with a binary unit: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  while (value >= 1023.95 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** A number of things: `1 stage`, `65 stages`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A clock time within a run: `00:12`, `1:02:03`. */
export function formatClock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:` : ""}${two(minutes)}:${two(seconds % 60)}`;
}

/** Seconds */
const DAY = 24 * 3600;

const UNITS = ["KiB", "MiB", "GiB", "TiB"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}
