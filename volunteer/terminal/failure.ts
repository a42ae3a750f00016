/** What was asked for is right, and could not be done: the exit code is 1, where a command that is not understood ends with 2. */
export class Failure extends Error {}
