/*===- device.h - What a device plug-in gives to the runtime ----------------===*\
|*
|* A device lives in a shared library of its own, libtenon_device_NAME.so, which the runtime opens when a plan asks for
|* target NAME. The library exports one function, tenon_device_api. C99. docs/HowTo/AddADevice.md walks through one.
|*
|* Functions that can fail return 0 for success, else 1 after writing a message (one sentence, lower case) into `error`.
|* `open` returns 2 where only a library is missing that the program calls.
|* Functions may be called from several threads at once, except that one queue is used by one thread at a time.
|*
\*===------------------------------------------------------------------------===*/
#ifndef TENON_C_DEVICE_H
#define TENON_C_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this interface: a runtime opens only libraries that return a table of its own version. */
#define TENON_DEVICE_VERSION 4

typedef struct TenonDevice TenonDevice; /**< a device that was opened, with the kernels of one plan */
typedef struct TenonQueue TenonQueue;   /**< launches and copies that happen one after the other */
typedef struct TenonGraph TenonGraph;   /**< launches that were recorded, to be started together */

/** Where a failing function says why. */
typedef struct TenonDeviceError {
  char message[1024];
} TenonDeviceError;

#define TENON_LIBRARY_CUBLASLT 0 /**< a product; parameters: batch, m, n, k */
#define TENON_LIBRARY_CUDNN                                                                                            \
  1 /**< a convolution, channels last; parameters: images, height, width, channels, height, width and channels of the  \
       result */
#define TENON_ACTIVATION_NONE 0
#define TENON_ACTIVATION_RELU 1
#define TENON_ACTIVATION_GELU 2 /**< the form with tanh */
#define TENON_NO_OPERAND 4294967295u

/** A kernel that a library computes: result = activation(x * w + residual + bias); see LibraryCall in plan.fbs.
   Operands are indices into the launch's arguments, all of which are pointers but the parameters at the end. */
typedef struct TenonDeviceCall {
  uint32_t library;                      /**< TENON_LIBRARY_... */
  uint32_t element_type;                 /**< a TenonType (tenon.h): float32, float16 or bfloat16 */
  uint32_t tf32;                         /**< not 0: float32 may be rounded to TF32 */
  uint32_t x, w, bias, residual, result; /**< bias and residual may be TENON_NO_OPERAND */
  uint32_t activation;                   /**< TENON_ACTIVATION_... */
  uint32_t transposed;                   /**< of a product: w is [batch, n, k] */
  uint32_t window[9];                    /**< of a convolution: kernel, strides, pads, dilations, of y and x; groups */
  uint64_t workspace;                    /**< bytes that the library may use */
} TenonDeviceCall;

/** A kernel of the code objects, or a call of a library. */
typedef struct TenonDeviceKernel {
  const char *name;
  uint32_t threads;            /**< of a block; 0 for a call */
  size_t num_codes;            /**< code objects that hold it; 0: all do */
  const uint32_t *codes;       /**< their indices, ascending */
  size_t num_buffers;          /**< arguments that are pointers */
  const TenonDeviceCall *call; /**< NULL: it is code */
} TenonDeviceKernel;

/** A tensor in memory of the device that a kernel copies by boxes (TMA): what cuTensorMapEncodeTiled takes. Dimension 0
    is contiguous. The kernel gets 128 opaque bytes, aligned to 64. */
typedef struct TenonDeviceTensor {
  void *data;            /**< aligned to 16 */
  uint32_t element_type; /**< a TenonType (tenon.h) */
  uint32_t rank;         /**< 1 to 5 */
  int64_t extents[5];    /**< elements, 1 to 2^32 */
  int64_t strides[5];    /**< bytes; multiples of 16 but for dimension 0 */
  uint32_t box[5];       /**< elements, 1 to 256 */
  uint32_t swizzle;      /**< bytes of a line in which 16-byte chunks are permuted: 0, 32, 64 or 128 */
} TenonDeviceTensor;

/** An argument of a kernel: `size` bytes at `value`, a pointer to memory of the device or a number. */
typedef struct TenonDeviceArgument {
  const void *value;
  size_t size;
} TenonDeviceArgument;

/** A launch: `blocks` > 0 blocks of a kernel, each with `shared` bytes of dynamic shared memory. The kernel's
   parameters are the tensors, then the arguments; everything is read before `launch` returns. */
typedef struct TenonDeviceLaunch {
  size_t kernel; /**< index in the program, held by the code object in use */
  int64_t blocks;
  size_t shared;
  size_t num_tensors;
  const TenonDeviceTensor *tensors;
  size_t num_arguments;
  const TenonDeviceArgument *arguments;
} TenonDeviceLaunch;

/** What a device runs: the code objects of a plan, best first, of which it loads the first that it can. */
typedef struct TenonDeviceProgram {
  const char *arch; /**< load only this one; NULL: the device chooses */
  size_t num_codes;
  const char *const *archs;
  const void *const *codes;
  const size_t *code_sizes; /**< bytes */
  size_t num_kernels;
  const TenonDeviceKernel *kernels;
  uint32_t ordinal; /**< which device, counted from the one that the environment asks for; 0 but for ranks */
} TenonDeviceProgram;

typedef struct TenonComm TenonComm; /**< devices, of several threads or processes, that work together */

/** Where devices meet: made by one of them, passed to all others by whatever way. */
typedef struct TenonDeviceMeeting {
  char bytes[128];
} TenonDeviceMeeting;

#define TENON_COMM_ALL_REDUCE 0 /**< one send and one receive: the tensors of all combined, for each */
#define TENON_COMM_REDUCE 1     /**< a send to each, its own included, and one receive: what all sent it, combined */
#define TENON_COMM_EXCHANGE 2   /**< sends meet receives */

/** A dense piece of memory of a device: what goes to a member of the communicator, or comes from it. */
typedef struct TenonDeviceMessage {
  uint32_t peer;
  void *data;
  size_t bytes;
} TenonDeviceMessage;

/** What members of a communicator do together. */
typedef struct TenonDeviceCollective {
  uint32_t kind;         /**< TENON_COMM_... */
  uint32_t element_type; /**< a TenonType (tenon.h) of 8, 32 or 64 bits, float16 or bfloat16 */
  uint32_t reduction;    /**< 0: sum, 1: prod, 2: min, 3: max */
  size_t num_sends;
  const TenonDeviceMessage *sends;
  size_t num_receives;
  const TenonDeviceMessage *receives;
} TenonDeviceCollective;

typedef struct TenonDeviceApi {
  uint32_t version; /**< TENON_DEVICE_VERSION */

  /** Opens a device and loads a program, whose memory may go away afterwards. Options come from the environment.
      Returns 2, after releasing all, where a library that a kernel calls is missing. */
  int (*open)(const TenonDeviceProgram *program, TenonDevice **device, TenonDeviceError *error);
  void (*close)(TenonDevice *device);
  /** Index of the code object in use. */
  size_t (*code)(const TenonDevice *device);

  /** Memory of the device, aligned to 256 bytes; NULL where there is not enough. Its contents are unspecified. */
  void *(*allocate)(TenonDevice *device, size_t bytes);
  void (*release)(TenonDevice *device, void *memory);

  int (*create_queue)(TenonDevice *device, TenonQueue **queue, TenonDeviceError *error);
  void (*destroy_queue)(TenonQueue *queue); /**< what it holds has ended */
  /** Copies between memory of the device and of the host, in any direction. Memory of the host must live until the
      queue is empty. */
  int (*copy)(TenonQueue *queue, void *target, const void *source, size_t bytes, TenonDeviceError *error);
  int (*launch)(TenonQueue *queue, const TenonDeviceLaunch *launch, TenonDeviceError *error);
  /** Waits until the queue is empty; reports what failed since the last call. */
  int (*finish)(TenonQueue *queue, TenonDeviceError *error);

  /** These four, or NULL for all. From `begin_record` to `end_record` launches do not happen but are recorded, with
     their arguments' values; no other call for this queue may come between. After an error nothing is being recorded.
   */
  int (*begin_record)(TenonQueue *queue, TenonDeviceError *error);
  int (*end_record)(TenonQueue *queue, TenonGraph **graph, TenonDeviceError *error);
  /** Starts all that was recorded, in its order. */
  int (*replay)(TenonQueue *queue, TenonGraph *graph, TenonDeviceError *error);
  void (*destroy_graph)(TenonGraph *graph); /**< before its queue is */

  /** These two, or NULL for both. `mark` notes the time at which the queue gets here, under a number that the caller
      counts up from 0; not while recording. `elapsed`: seconds between two marks, once the queue is empty. */
  int (*mark)(TenonQueue *queue, size_t number, TenonDeviceError *error);
  int (*elapsed)(TenonQueue *queue, size_t first, size_t second, double *seconds, TenonDeviceError *error);

  /** All of these, or NULL for all: then what ranks do together goes by memory of the host.
      `make_meeting` returns 2 where a library is missing, or the device is that of another ordinal, too. */
  int (*make_meeting)(TenonDevice *device, TenonDeviceMeeting *meeting, TenonDeviceError *error);
  /** Waits for all `size` members. */
  int (*create_comm)(TenonDevice *device, const TenonDeviceMeeting *meeting, uint32_t member, uint32_t size,
                     TenonComm **comm, TenonDeviceError *error);
  void (*destroy_comm)(TenonComm *comm);
  /** What waits for other members ends, with whatever result. From any thread; the communicator is of no use then. */
  void (*abort_comm)(TenonComm *comm);
  /** In the order of the queue. All members do the same in the same order. */
  int (*collective)(TenonQueue *queue, TenonComm *comm, const TenonDeviceCollective *collective,
                    TenonDeviceError *error);
  /** Copies `rows` of `bytes` within memory of the device, in the order of the queue. Pitches are in bytes. */
  int (*copy_rows)(TenonQueue *queue, void *target, size_t target_pitch, const void *source, size_t source_pitch,
                   size_t bytes, size_t rows, TenonDeviceError *error);
} TenonDeviceApi;

/** The only symbol of a device library: its table, which lives for ever, or NULL for a version it does not have. */
typedef const TenonDeviceApi *(*TenonDeviceApiFunction)(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif /* TENON_C_DEVICE_H */
