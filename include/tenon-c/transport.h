/*===- transport.h - What a transport plug-in gives to the runtime ----------===*\
|*
|* A transport carries bytes between the processes that are the ranks of a plan. It lives in a shared library of its
own,
|* libtenon_NAME.so, which the runtime opens when a session asks for transport NAME. The library exports one function,
|* tenon_transport_api. C99.
|*
|* Functions return 0 for success, else one of TENON_TRANSPORT_... after filling `error`. For one thread at a time.
|*
\*===------------------------------------------------------------------------===*/
#ifndef TENON_C_TRANSPORT_H
#define TENON_C_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this interface: a runtime opens only libraries that return a table of its own version. */
#define TENON_TRANSPORT_VERSION 1

#define TENON_TRANSPORT_ELSEWHERE 1 /**< a process has failed or is gone: `rank`, and why */
#define TENON_TRANSPORT_SIZE 2      /**< what `rank` sent has another size than expected */
#define TENON_TRANSPORT_BROKEN 3    /**< the transport itself reports an error */

typedef struct TenonTransport TenonTransport;

/** Where a failing function says why: one sentence, lower case. */
typedef struct TenonTransportError {
  uint32_t rank;
  char message[1024];
} TenonTransportError;

/** `bytes` that go to a rank, or come from it. */
typedef struct TenonTransportMessage {
  uint32_t peer;
  void *data;
  int64_t bytes;
} TenonTransportMessage;

typedef struct TenonTransportApi {
  uint32_t version; /**< TENON_TRANSPORT_VERSION */

  /** Joins the processes that were started together. All of them have to call it; only one transport may be open. */
  int (*open)(TenonTransport **transport, TenonTransportError *error);
  /** Leaves. Where all went well it waits until all other processes come to it or fail; otherwise it does not wait. */
  void (*close)(TenonTransport *transport);
  uint32_t (*rank)(const TenonTransport *transport);
  uint32_t (*size)(const TenonTransport *transport);

  /** Sends and receives all messages at the same time, at most one to and one from each rank. The n-th message of a
     rank to another meets the n-th that this one expects from it. Ends within seconds after any process has failed, was
      killed, or has left without what is expected of it. After an error all further exchanges fail. */
  int (*exchange)(TenonTransport *transport, const TenonTransportMessage *sends, size_t num_sends,
                  const TenonTransportMessage *receives, size_t num_receives, TenonTransportError *error);

  /** Whether any process has failed or is gone: as exchange would say, at once. From any thread. */
  int (*check)(TenonTransport *transport, TenonTransportError *error);

  /** Makes all exchanges of other processes fail: this one has failed, for the reason given. */
  void (*fail)(TenonTransport *transport, const char *why);
} TenonTransportApi;

/** Type of tenon_transport_api: NULL where the library does not have this version of the interface. */
typedef const TenonTransportApi *(*TenonTransportApiFunction)(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif /* TENON_C_TRANSPORT_H */
