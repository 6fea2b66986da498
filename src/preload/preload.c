/* preload/preload.c: to be written. */
