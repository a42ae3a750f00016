/** What became of what was sent, in bytes. What arrives is also held against what was sent: wrong bytes are an error. */
export interface Delivery {
  delivered: number;
  /** Not there by the deadline, or when the connection was lost. */
  lost: number;
  duplicated: number;
}
