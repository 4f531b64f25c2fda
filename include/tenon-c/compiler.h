/*===- compiler.h - The C interface of the Tenon compiler -------------------===*\
|*
|* Compiles an ONNX model into a model.tenon, in process. C99. Errors are those of runtime.h, which this library links.
|* All functions may be called from several threads at once.
|*
\*===------------------------------------------------------------------------===*/
#ifndef TENON_C_COMPILER_H
#define TENON_C_COMPILER_H

#include "tenon-c/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The extents of one input. */
typedef struct TenonShape {
  const char *name; /**< of the input */
  int32_t rank;
  const int64_t *dims;
  int32_t fixed; /**< 0: the size to optimise for, the plan serves every size; 1: the plan serves only this size */
} TenonShape;

/** How a model is made smaller or faster. Set with tenon_compress_options_init. Texts are those of `tenon compress
   --help`; NULL: not, or the default. */
typedef struct TenonCompressOptions {
  size_t size;              /**< sizeof(TenonCompressOptions) of the caller */
  const char *quantize;     /**< "int8", "int8-dynamic", "int8-weights", "int4:64", "fp8", .. */
  const char *rounding;     /**< "nearest", "gptq", "awq" */
  const char *range;        /**< "mse", "minmax", "percentile:99.9", "entropy" */
  const char *prune;        /**< "2:4", "magnitude:0.5", "channels:0.5" */
  const char *prune_method; /**< "magnitude", "wanda", "sparsegpt" */
  double low_rank;          /**< part of each layer's output that is kept; 0: layers stay whole */
  int32_t merge;            /**< not 0: linear layers that can be one become one */
  const char *precision;    /**< "fp16" or "bf16"; of tenon_compress_file alone */
  const char *calibration;  /**< data: an .npz, or a folder */
  int64_t samples;          /**< of the data, at most */
  const char *const *keep;  /**< nodes that stay as they are; may hold * */
  size_t num_keep;
} TenonCompressOptions;

/** Set with tenon_compile_options_init, which fills in `size` and the defaults. */
typedef struct TenonCompileOptions {
  size_t size;              /**< sizeof(TenonCompileOptions) of the caller */
  const char *target;       /**< "cpu" */
  const char *const *archs; /**< such as "x86-64-v4", best first; NULL: the default archs */
  size_t num_archs;
  const TenonShape *shapes; /**< may be NULL */
  size_t num_shapes;
  int32_t threads;      /**< thread count the plan asks for; 0: all cores */
  int32_t jobs;         /**< compile workers; 0: all cores; does not change the plan */
  int32_t optimization; /**< 0 to 3; default 2 */
  uint64_t max_memory;  /**< bytes the compiler may use; 0: no limit */
  /** Told the phase ("import", ...) and how far the compilation is, 0 to 1; may be NULL. */
  void (*progress)(const char *phase, double done, void *user);
  void *user; /**< handed to progress */
  /** "full", or what the products of a GPU target compute in: "tf32", "fp16", "bf16"; NULL: "full". */
  const char *precision;
  /** What to tune for: the name of a description ("h100") or the path of one; implies its arch. NULL: what stands for
     the first of archs. */
  const char *device;
  /** Not 0: the plan keeps the text of its kernels, for `tenon inspect --kernels`. */
  int32_t keep_source;
  /** A file of what `tenon tune` measured, which chooses between tactics; NULL: none. */
  const char *timings;
  /** Whose kernels a plan for cuda may hold: "own", "libraries" (a call of cuBLASLt or cuDNN wherever one computes the
      region), "auto" (what the timings say is faster; without, own). NULL: "auto". */
  const char *tactics;
  /** Not 0: what has no kernel on a GPU is an error; 0: it runs on the processor beside it, with copies. */
  int32_t refuse_host;
  /** A cluster to split the model over: its name, or the path of a description; a plan then has a program for each
     rank, which a session runs on threads. NULL: one device. */
  const char *devices;
  /** With devices, how: "auto", the fastest, or "data:N", "tensor:N", "pipeline:N", several with commas. NULL: "auto".
   */
  const char *parallel;
  /** How the model is compressed before it is compiled; NULL: not. */
  const TenonCompressOptions *compress;
} TenonCompileOptions;

/** "tenon 0.1.0". */
TENON_API const char *tenon_compiler_version(void);

TENON_API void tenon_compile_options_init(TenonCompileOptions *options);

TENON_API void tenon_compress_options_init(TenonCompressOptions *options);

/** Compresses the model at `path` and writes it to `output` as ONNX, whole or not at all. */
TENON_API TenonError *tenon_compress_file(const char *path, const char *output, const TenonCompressOptions *options);

/** Compiles the model at `path` into the file `output`, which is written whole or not at all. `options` may be NULL. */
TENON_API TenonError *tenon_compile_file(const char *path, const char *output, const TenonCompileOptions *options);

/** The same for a serialised ModelProto in memory. Its weights must be inside: external data is refused. */
TENON_API TenonError *tenon_compile_bytes(const void *data, size_t size, const char *output,
                                          const TenonCompileOptions *options);

#ifdef __cplusplus
}
#endif

#endif /* TENON_C_COMPILER_H */
