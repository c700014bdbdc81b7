/** How names of nodes begin that compute sizes, and so may run on the processor beside a GPU. */
export const HOST_PREFIX = "size/";
