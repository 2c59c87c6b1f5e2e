/* SPDX-License-Identifier: MIT OR GPL-2.0 */
#ifndef ZIRCON_ERRORS_H_
#define ZIRCON_ERRORS_H_

/**
 * DOC: Status codes
 *
 * Every call returns a zx_status_t: ZX_OK, or a negative code that says what is
 * wrong. The values are Zircon's. What a code means for one call, and which of
 * several mistakes is reported first, is said at that call.
 */

#define ZX_OK (0)

/* ---- general ----------------------------------------------------------- */

/* Something failed inside the system; not the caller's fault. */
#define ZX_ERR_INTERNAL (-1)
/* The call, option or kind of object is not supported here. */
#define ZX_ERR_NOT_SUPPORTED (-2)
/* A resource other than memory has run out, such as address space or fds. */
#define ZX_ERR_NO_RESOURCES (-3)
/* Out of memory. */
#define ZX_ERR_NO_MEMORY (-4)
/* Used inside Zircon's kernel to restart calls; no call returns it. */
#define ZX_ERR_INTERNAL_INTR_RETRY (-6)
/* Used inside Zircon's kernel when a thread is killed; no call returns it. */
#define ZX_ERR_INTERNAL_INTR_KILLED (-502)

/* ---- arguments --------------------------------------------------------- */

/* An argument, or a combination of arguments, makes no sense. */
#define ZX_ERR_INVALID_ARGS (-10)
/* The value is not a live handle of this process. */
#define ZX_ERR_BAD_HANDLE (-11)
/* The handle is for an object of another type. */
#define ZX_ERR_WRONG_TYPE (-12)
/* No such call. */
#define ZX_ERR_BAD_SYSCALL (-13)
/* A position, size or index lies outside of what exists or is possible. */
#define ZX_ERR_OUT_OF_RANGE (-14)
/* The caller's buffer is too small for the result. */
#define ZX_ERR_BUFFER_TOO_SMALL (-15)

/* ---- state ------------------------------------------------------------- */

/* The object is in a state that does not allow the operation. */
#define ZX_ERR_BAD_STATE (-20)
/* The deadline has passed. */
#define ZX_ERR_TIMED_OUT (-21)
/* It cannot be done now; waiting may help. */
#define ZX_ERR_SHOULD_WAIT (-22)
/* The wait was given up, since the handle was closed. */
#define ZX_ERR_CANCELED (-23)
/* The other end is gone. */
#define ZX_ERR_PEER_CLOSED (-24)
/* What was asked for is not there. */
#define ZX_ERR_NOT_FOUND (-25)
/* What should be made is there already. */
#define ZX_ERR_ALREADY_EXISTS (-26)
/* The object is in use by somebody else. */
#define ZX_ERR_ALREADY_BOUND (-27)
/* The service, or this operation on this object, is not available. */
#define ZX_ERR_UNAVAILABLE (-28)

/* ---- permission -------------------------------------------------------- */

/* A right or a permission is missing. */
#define ZX_ERR_ACCESS_DENIED (-30)

/* ---- input and output -------------------------------------------------- */

#define ZX_ERR_IO (-40)
#define ZX_ERR_IO_REFUSED (-41)
#define ZX_ERR_IO_DATA_INTEGRITY (-42)
#define ZX_ERR_IO_DATA_LOSS (-43)
#define ZX_ERR_IO_NOT_PRESENT (-44)
#define ZX_ERR_IO_OVERRUN (-45)
#define ZX_ERR_IO_MISSED_DEADLINE (-46)
#define ZX_ERR_IO_INVALID (-47)

/* ---- files ------------------------------------------------------------- */

#define ZX_ERR_BAD_PATH (-50)
#define ZX_ERR_NOT_DIR (-51)
#define ZX_ERR_NOT_FILE (-52)
#define ZX_ERR_FILE_BIG (-53)
#define ZX_ERR_NO_SPACE (-54)
#define ZX_ERR_NOT_EMPTY (-55)

/* ---- flow of control within a program; no call returns them ------------ */

#define ZX_ERR_STOP (-60)
#define ZX_ERR_NEXT (-61)
#define ZX_ERR_ASYNC (-62)

/* ---- network ----------------------------------------------------------- */

#define ZX_ERR_PROTOCOL_NOT_SUPPORTED (-70)
#define ZX_ERR_ADDRESS_UNREACHABLE (-71)
#define ZX_ERR_ADDRESS_IN_USE (-72)
#define ZX_ERR_NOT_CONNECTED (-73)
#define ZX_ERR_CONNECTION_REFUSED (-74)
#define ZX_ERR_CONNECTION_RESET (-75)
#define ZX_ERR_CONNECTION_ABORTED (-76)

#endif /* ZIRCON_ERRORS_H_ */
