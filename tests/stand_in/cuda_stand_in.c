/*
 * What stands in for CUDA 13 where there is no GPU, so that ONNX Runtime's own CUDA provider loads,
 * places nodes, allocates and copies. Memory is host memory; no kernel computes anything, so that
 * results are meaningless. Memory, copies and launches are counted.
 *
 * Of functions that are not here, stand_in.ts makes ones that succeed and do nothing, or hand out
 * something to point at.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, NOT_FOUND = 500 };
enum { TO_DEVICE = 1, TO_HOST = 2 };

/* Of a piece of memory, what lies before it: its size. A page, so that the piece begins at one. */
enum { BEFORE = 4096 };

/* Larger pieces are counted, not copied: what is in them means nothing, and takes room. */
enum { COPIED = 1 << 20 };

/* In the order in which counts.ts reads them. */
static struct {
  uint64_t used, peak;
  uint64_t bytes_to_device, copies_to_device;
  uint64_t bytes_to_host, copies_to_host;
  uint64_t bytes_on_device;
  uint64_t launches;
} counts;
static uint64_t memory = 141000000000;
static int capability = 9;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* For tests: what has been counted. */
void stand_in_counts(void *out) {
  pthread_mutex_lock(&lock);
  memcpy(out, &counts, sizeof counts);
  pthread_mutex_unlock(&lock);
}

/* For tests: counts from 0 again; what is allocated stays. */
void stand_in_restart(void) {
  pthread_mutex_lock(&lock);
  uint64_t used = counts.used;
  memset(&counts, 0, sizeof counts);
  counts.used = counts.peak = used;
  pthread_mutex_unlock(&lock);
}

/* For tests: how many bytes the device has. */
void stand_in_memory(uint64_t bytes) { memory = bytes; }

/* For tests: the major number of the device's compute capability, as sessions find it. */
void stand_in_capability(int major) { capability = major; }

/* Memory */

static int reserve(size_t bytes) {
  pthread_mutex_lock(&lock);
  int fits = counts.used + bytes <= memory;
  if (fits) counts.used += bytes;
  if (counts.used > counts.peak) counts.peak = counts.used;
  pthread_mutex_unlock(&lock);
  return fits;
}

int cudaMalloc(void **out, size_t bytes) {
  *out = NULL;
  if (!reserve(bytes)) return OUT_OF_MEMORY;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  char *start = mmap(NULL, BEFORE + bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (start == MAP_FAILED) abort();
  *(size_t *)start = bytes;
  *out = start + BEFORE;
  return SUCCESS;
}

int cudaFree(void *piece) {
  if (piece == NULL) return SUCCESS;
  char *start = (char *)piece - BEFORE;
  size_t bytes = *(size_t *)start;
  pthread_mutex_lock(&lock);
  counts.used -= bytes;
  pthread_mutex_unlock(&lock);
  munmap(start, BEFORE + bytes);
  return SUCCESS;
}

int cudaMallocFromPoolAsync(void **out, size_t bytes, void *pool, void *stream) {
  return cudaMalloc(out, bytes);
}

int cudaFreeAsync(void *piece, void *stream) { return cudaFree(piece); }

int cudaHostAlloc(void **out, size_t bytes, unsigned flags) {
  *out = calloc(1, bytes);
  return *out == NULL ? OUT_OF_MEMORY : SUCCESS;
}

int cudaMallocHost(void **out, size_t bytes) { return cudaHostAlloc(out, bytes, 0); }

int cudaFreeHost(void *piece) {
  free(piece);
  return SUCCESS;
}

int cudaMemGetInfo(size_t *available, size_t *total) {
  *total = memory;
  *available = memory - counts.used;
  return SUCCESS;
}

/* Copies */

static void count_copy(size_t bytes, int kind) {
  pthread_mutex_lock(&lock);
  if (kind == TO_DEVICE) {
    counts.bytes_to_device += bytes;
    counts.copies_to_device++;
  } else if (kind == TO_HOST) {
    counts.bytes_to_host += bytes;
    counts.copies_to_host++;
  } else {
    counts.bytes_on_device += bytes;
  }
  pthread_mutex_unlock(&lock);
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  count_copy(bytes, kind);
  if (bytes <= COPIED) memmove(to, from, bytes);
  return SUCCESS;
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) {
  return cudaMemcpy(to, from, bytes, kind);
}

int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                      size_t height, int kind, void *stream) {
  count_copy(width * height, kind);
  for (size_t row = 0; row < height && width * height <= COPIED; row++)
    memmove((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
  return SUCCESS;
}

int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int kind) {
  count_copy(bytes, kind);
  memset(to, 0, bytes);
  return SUCCESS;
}

int cudaMemset(void *piece, int value, size_t bytes) {
  if (bytes <= COPIED) memset(piece, value, bytes);
  return SUCCESS;
}

int cudaMemsetAsync(void *piece, int value, size_t bytes, void *stream) {
  return cudaMemset(piece, value, bytes);
}

/* The device: one, an H200 as far as anybody asks */

static _Thread_local int chosen = 0;

int cudaGetDeviceCount(int *count) {
  *count = 1;
  return SUCCESS;
}

int cudaGetDevice(int *device) {
  *device = chosen;
  return SUCCESS;
}

int cudaSetDevice(int device) {
  chosen = device;
  return SUCCESS;
}

int cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return SUCCESS;
}

int cudaDriverGetVersion(int *version) { return cudaRuntimeGetVersion(version); }

/* cudaDeviceProp of CUDA 13; what nobody reads is left out. */
struct properties {
  char name[256];
  char identity[28];
  size_t total_global_mem, shared_mem_per_block;
  int regs_per_block, warp_size;
  size_t mem_pitch;
  int max_threads_per_block, max_threads_dim[3], max_grid_size[3];
  size_t total_const_mem;
  int major, minor;
  size_t texture_alignment, texture_pitch_alignment;
  int multi_processor_count;
  char textures[208];
  int l2_cache_size, persisting_l2_cache_max_size, max_threads_per_multi_processor;
  char caches[12];
  size_t shared_mem_per_multiprocessor;
  char host_memory[40];
  size_t shared_mem_per_block_optin;
  char page_tables[8];
  int max_blocks_per_multi_processor;
  char rest[316];
};
_Static_assert(offsetof(struct properties, total_global_mem) == 288, "totalGlobalMem");
_Static_assert(offsetof(struct properties, major) == 360, "major");
_Static_assert(offsetof(struct properties, multi_processor_count) == 384, "multiProcessorCount");
_Static_assert(offsetof(struct properties, l2_cache_size) == 596, "l2CacheSize");
_Static_assert(offsetof(struct properties, shared_mem_per_multiprocessor) == 624, "shared memory");
_Static_assert(offsetof(struct properties, shared_mem_per_block_optin) == 672, "opt-in memory");
_Static_assert(offsetof(struct properties, max_blocks_per_multi_processor) == 688, "maxBlocks");
_Static_assert(sizeof(struct properties) == 1008, "cudaDeviceProp");

int cudaGetDeviceProperties(struct properties *out, int device) {
  *out = (struct properties){
      .name = "stand-in",
      .total_global_mem = memory,
      .shared_mem_per_block = 49152,
      .regs_per_block = 65536,
      .warp_size = 32,
      .mem_pitch = INT32_MAX,
      .max_threads_per_block = 1024,
      .max_threads_dim = {1024, 1024, 64},
      .max_grid_size = {INT32_MAX, 65535, 65535},
      .total_const_mem = 65536,
      .major = capability,
      .texture_alignment = 512,
      .texture_pitch_alignment = 32,
      .multi_processor_count = 132,
      .l2_cache_size = 50 << 20,
      .max_threads_per_multi_processor = 2048,
      .shared_mem_per_multiprocessor = 233472,
      .shared_mem_per_block_optin = 232448,
      .max_blocks_per_multi_processor = 32,
  };
  return SUCCESS;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device) {
  struct properties all;
  cudaGetDeviceProperties(&all, device);
  switch (attribute) {
    case 1: *value = all.max_threads_per_block; break;
    case 8: *value = (int)all.shared_mem_per_block; break;
    case 10: *value = all.warp_size; break;
    case 16: *value = all.multi_processor_count; break;
    case 39: *value = all.max_threads_per_multi_processor; break;
    case 75: *value = all.major; break;
    case 76: *value = all.minor; break;
    case 97: *value = (int)all.shared_mem_per_block_optin; break;
    default: *value = 1;
  }
  return SUCCESS;
}

const char *cudaGetErrorString(int code) {
  return code == OUT_OF_MEMORY ? "out of memory" : "an error of the stand-in";
}

const char *cudaGetErrorName(int code) { return cudaGetErrorString(code); }

const char *cublasGetStatusString(int code) { return "a status of the stand-in"; }

const char *cublasGetStatusName(int code) { return cublasGetStatusString(code); }

/* Kernels */

static int launch(void) {
  pthread_mutex_lock(&lock);
  counts.launches++;
  pthread_mutex_unlock(&lock);
  return SUCCESS;
}

int cudaLaunchKernel(void) { return launch(); }

int cudaLaunchKernelExC(void) { return launch(); }

int __cudaLaunchKernel(void) { return launch(); }

int __cudaGetKernel(void **kernel, const void *function) {
  *kernel = (void *)function;
  return SUCCESS;
}

void **__cudaRegisterFatBinary(void *binary) {
  static void *handle[1];
  return handle;
}

/* Of cudaFuncAttributes what decides how many threads are started: 144 bytes in all. */
int cudaFuncGetAttributes(void *out, const void *function) {
  struct { size_t memory[3]; int max_threads_per_block, num_regs, ptx, binary; } attributes = {
      .max_threads_per_block = 1024, .num_regs = 32, .ptx = 90, .binary = 90};
  memset(out, 0, 144);
  memcpy(out, &attributes, sizeof attributes);
  return SUCCESS;
}

int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function,
                                                           int threads, size_t shared,
                                                           unsigned flags) {
  *blocks = 2;
  return SUCCESS;
}

/* cublasLtMatmulHeuristicResult_t has 96 bytes. */
int cublasLtMatmulAlgoGetHeuristic(void *handle, void *product, void *a, void *b, void *c, void *d,
                                   void *preference, int wanted, void *results, int *found) {
  memset(results, 0, 96);
  *found = 1;
  return SUCCESS;
}

/* Streams: whatever is put into one is done at once */

int cudaStreamIsCapturing(void *stream, int *status) {
  *status = 0;
  return SUCCESS;
}

int cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
  function(data);
  return SUCCESS;
}

int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version,
                                     unsigned long long flags, int *found) {
  *function = NULL;
  if (found != NULL) *found = 1;
  return NOT_FOUND;
}
