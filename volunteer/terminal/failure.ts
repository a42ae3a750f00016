/** A right command that could not be done. The exit code is 1; a command that is not understood ends with 2. */
export class Failure extends Error {}
