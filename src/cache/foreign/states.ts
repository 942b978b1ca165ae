/**
 * The states of a pair. Only a CLEAN one has a value in L1 that FOLLOWS its source.
 *
 *   NONE ──read──► QUEUED ──► FLYING ──value──► CLEAN ──message──► QUEUED, if it was read lately, else NONE
 *                                │   └──gone───► EMPTY ──message──► the same
 *                                └──message──► AGAIN ──► QUEUED
 */
export const NONE = 0
export const QUEUED = 1
export const FLYING = 2
export const AGAIN = 3
export const CLEAN = 4
export const EMPTY = 5
