/*===- runtime.h - The C interface of the Tenon runtime ---------------------===*\
|*
|* Loads a model.tenon and runs it. C99. Handles are opaque. Functions that can fail return NULL for success, or an
|* error that the caller destroys. A session may be used from several threads at once.
|*
\*===------------------------------------------------------------------------===*/
#ifndef TENON_C_RUNTIME_H
#define TENON_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TENON_API __attribute__((visibility("default")))
#else
#define TENON_API
#endif

typedef struct TenonError TenonError;
typedef struct TenonSession TenonSession;
typedef struct TenonResult TenonResult;
typedef struct TenonValue TenonValue;

/** Element types. A Bool is one byte, 0 or 1; types of fewer than 8 bits are a byte too, their bits at its low end. */
typedef enum TenonType {
  TENON_F32 = 0,
  TENON_F64 = 1,
  TENON_F16 = 2,
  TENON_BF16 = 3,
  TENON_I8 = 4,
  TENON_I16 = 5,
  TENON_I32 = 6,
  TENON_I64 = 7,
  TENON_U8 = 8,
  TENON_U16 = 9,
  TENON_U32 = 10,
  TENON_U64 = 11,
  TENON_BOOL = 12,
  TENON_F8E4M3FN = 13,
  TENON_F8E4M3FNUZ = 14,
  TENON_F8E5M2 = 15,
  TENON_F8E5M2FNUZ = 16,
  TENON_U4 = 17,
  TENON_I4 = 18,
  TENON_F4E2M1 = 19,
  TENON_F8E8M0 = 20,
  TENON_U2 = 21,
  TENON_I2 = 22
} TenonType;

/** What an input or output is. A filled optional is what it holds; TENON_VALUE_NONE is an empty one. */
typedef enum TenonValueKind {
  TENON_VALUE_TENSOR = 0,
  TENON_VALUE_SEQUENCE = 1, /**< a list of tensors of one type; their extents may differ */
  TENON_VALUE_NONE = 2
} TenonValueKind;

/** Name, type and extents of an input or output; of a sequence, those of its elements. Everything it points to belongs
 * to the session. */
typedef struct TenonTensorInfo {
  const char *name;
  int32_t type; /**< a TenonType */
  int32_t rank;
  const int64_t *dims;          /**< -1 where the extent depends on the inputs */
  const char *const *dim_names; /**< name of each dynamic extent, "" where fixed */
} TenonTensorInfo;

/** A dense row-major tensor in host memory, aligned to its element size. */
typedef struct TenonTensor {
  const char *name; /**< of the input or output */
  void *data;       /**< may be NULL where there are no elements; inputs are only read */
  int32_t type;     /**< a TenonType */
  int32_t rank;
  const int64_t *dims;
} TenonTensor;

/** Set with tenon_session_options_init, which fills in `size` and the defaults. */
typedef struct TenonSessionOptions {
  size_t size;            /**< sizeof(TenonSessionOptions) of the caller */
  int32_t threads;        /**< -1: the plan's default; 0: all cores */
  int32_t verify_weights; /**< compare weights with their digest on load; default 1 */
  const char *arch;       /**< forces a code object, e.g. "x86-64-v3"; NULL: the best this machine runs */
  const char *device;     /**< NULL: the plan's target; "null": everything but kernels */
  const char
      *transport; /**< how ranks of a plan meet. NULL: as threads; "mpi": as processes of mpirun, this one of them */
} TenonSessionOptions;

/** Set with tenon_run_options_init. */
typedef struct TenonRunOptions {
  size_t size;              /**< sizeof(TenonRunOptions) of the caller */
  const char *profile_path; /**< NULL, or the file that receives a Chrome trace */
} TenonRunOptions;

/** "tenon 0.1.0". */
TENON_API const char *tenon_runtime_version(void);
/** Best architecture level of this machine, e.g. "x86-64-v4". */
TENON_API const char *tenon_cpu_arch(void);
/** Bytes of one element, or 0 for an unknown type. */
TENON_API size_t tenon_type_size(int32_t type);

/** Parts of an error; never NULL, valid until it is destroyed. The code is "TN" and four digits. */
TENON_API const char *tenon_error_code(const TenonError *error);
TENON_API const char *tenon_error_message(const TenonError *error);
TENON_API const char *tenon_error_remedy(const TenonError *error);
TENON_API const char *tenon_error_node(const TenonError *error);
TENON_API void tenon_error_destroy(TenonError *error);
/** Makes an error of copies of these strings; for libraries that report in the same way, such as the compiler. */
TENON_API TenonError *tenon_error_create(const char *code, const char *message, const char *remedy, const char *node);

TENON_API void tenon_session_options_init(TenonSessionOptions *options);
TENON_API void tenon_run_options_init(TenonRunOptions *options);

/** Loads a file. `options` may be NULL. On failure *session is NULL. */
TENON_API TenonError *tenon_session_create(const char *path, const TenonSessionOptions *options,
                                           TenonSession **session);
/** The same from memory, which is copied. */
TENON_API TenonError *tenon_session_create_from_memory(const void *data, size_t size,
                                                       const TenonSessionOptions *options, TenonSession **session);
TENON_API void tenon_session_destroy(TenonSession *session);

TENON_API size_t tenon_session_num_inputs(const TenonSession *session);
TENON_API size_t tenon_session_num_outputs(const TenonSession *session);
/** Fills *info; an error where `index` is too large. */
TENON_API TenonError *tenon_session_input(const TenonSession *session, size_t index, TenonTensorInfo *info);
TENON_API TenonError *tenon_session_output(const TenonSession *session, size_t index, TenonTensorInfo *info);
/**
 * What kind of value it takes or gives: a TenonValueKind that is not NONE, whether it may be NONE, too, and whether its
 * rank is known (if not, TenonTensorInfo has rank 0 and no dims). Each pointer may be NULL.
 */
TENON_API TenonError *tenon_session_input_kind(const TenonSession *session, size_t index, int32_t *kind,
                                               int32_t *optional, int32_t *ranked);
TENON_API TenonError *tenon_session_output_kind(const TenonSession *session, size_t index, int32_t *kind,
                                                int32_t *optional, int32_t *ranked);
/** Threads in use, and the architecture of the code in use. */
TENON_API int32_t tenon_session_threads(const TenonSession *session);
TENON_API const char *tenon_session_arch(const TenonSession *session);
/** Ranks of the plan, 1 where it was not partitioned, and which of them this process is: 0, but where they are
 * processes. Only rank 0 has outputs. */
TENON_API int32_t tenon_session_ranks(const TenonSession *session);
TENON_API int32_t tenon_session_rank(const TenonSession *session);

/**
 * Runs the model. `inputs` in any order, by name; their memory is used as it is and must stay until the return.
 * `into` (may be NULL): tensors that receive the outputs of their names; the others get new memory.
 * On success *result holds all outputs in model order; destroy it. `options` may be NULL.
 */
TENON_API TenonError *tenon_session_run(TenonSession *session, const TenonTensor *inputs, size_t num_inputs,
                                        const TenonTensor *into, size_t num_into, const TenonRunOptions *options,
                                        TenonResult **result);

/** Outputs of a run; what *tensor points to belongs to the result, or is the caller's where it came from `into`. */
TENON_API size_t tenon_result_num_outputs(const TenonResult *result);
TENON_API TenonError *tenon_result_output(const TenonResult *result, size_t index, TenonTensor *tensor);
TENON_API void tenon_result_destroy(TenonResult *result);

/**
 * Values for tenon_session_run_values. Names of tensors are ignored here. A value refers to the memory of its tensors,
 * which must stay as long as it is used as an input; those that a run returns own theirs. On failure *value is NULL.
 */
TENON_API TenonError *tenon_value_tensor(const TenonTensor *tensor, TenonValue **value);
/** A sequence of elements of this TenonType; there may be none. */
TENON_API TenonError *tenon_value_sequence(int32_t type, const TenonTensor *elements, size_t count, TenonValue **value);
/** An empty optional. */
TENON_API TenonError *tenon_value_none(TenonValue **value);
TENON_API void tenon_value_destroy(TenonValue *value);
/** A TenonValueKind. */
TENON_API int32_t tenon_value_kind(const TenonValue *value);
/** The TenonType of the tensor or of the elements; -1 for an empty optional. */
TENON_API int32_t tenon_value_type(const TenonValue *value);
/** Number of elements of a sequence; 1 for a tensor, 0 for an empty optional. */
TENON_API size_t tenon_value_size(const TenonValue *value);
/** An element, or the tensor itself at index 0. What *tensor points to belongs to the value; its name is "". */
TENON_API TenonError *tenon_value_element(const TenonValue *value, size_t index, TenonTensor *tensor);

/**
 * Runs a model whose inputs or outputs may be sequences or optionals. `inputs` in model order, one for each; NULL is an
 * empty optional. `outputs` has room for one value per output, also in model order: destroy them. On failure they are
 * NULL.
 */
TENON_API TenonError *tenon_session_run_values(TenonSession *session, const TenonValue *const *inputs,
                                               size_t num_inputs, const TenonRunOptions *options, TenonValue **outputs,
                                               size_t num_outputs);

#ifdef __cplusplus
}
#endif

#endif /* TENON_C_RUNTIME_H */
