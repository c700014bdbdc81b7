/** The version of Ballast; CHANGELOG.md says what it holds. */
export const VERSION = "0.1.0";
