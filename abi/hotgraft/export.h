/* How symbols cross: visibility, calling convention, and what C++ needs to know.
 *
 * HOTGRAFT_NOTHROW is part of a pointer's type from C++17 on: a plugin function that may throw does not convert
 * to a table entry, so the mistake is a compile error instead of an exception crossing into C.
 */
#ifndef HOTGRAFT_EXPORT_H
#define HOTGRAFT_EXPORT_H

#if defined(_WIN32)
#define HOTGRAFT_CALL   __cdecl
#define HOTGRAFT_EXPORT __declspec(dllexport)
#else
#define HOTGRAFT_CALL
#define HOTGRAFT_EXPORT __attribute__((visibility("default")))
#endif

#if defined(__cplusplus) && (__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#define HOTGRAFT_NOTHROW noexcept
#else
#define HOTGRAFT_NOTHROW
#endif

#if defined(__cplusplus)
#define HOTGRAFT_EXTERN_C_BEGIN extern "C" {
#define HOTGRAFT_EXTERN_C_END   }
#else
#define HOTGRAFT_EXTERN_C_BEGIN
#define HOTGRAFT_EXTERN_C_END
#endif

#endif /* HOTGRAFT_EXPORT_H */
