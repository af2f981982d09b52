/* The golden sizes and offsets of everything that crosses the ABI, as assertions that C11 and C++17 both compile.
 *
 * Plugins built years ago rely on these numbers. A line here may be added, never changed: what grows, grows at the end.
 */
#ifndef HOTGRAFT_TESTS_ABI_LAYOUT_H
#define HOTGRAFT_TESTS_ABI_LAYOUT_H

#include <stddef.h>

#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#if defined(__cplusplus)
#define HOTGRAFT_GOLDEN(what, number) static_assert((what) == (number), #what)
#else
#define HOTGRAFT_GOLDEN(what, number) _Static_assert((what) == (number), #what)
#endif
#define HOTGRAFT_AT(type, member, number) HOTGRAFT_GOLDEN(offsetof(type, member), number)

/* status.h: hotgraft_str */
HOTGRAFT_GOLDEN(sizeof(hotgraft_str), 16);
HOTGRAFT_AT(hotgraft_str, ptr, 0);
HOTGRAFT_AT(hotgraft_str, len, 8);

/* status.h: hotgraft_error */
HOTGRAFT_GOLDEN(sizeof(hotgraft_error), 512);
HOTGRAFT_AT(hotgraft_error, struct_size, 0);
HOTGRAFT_AT(hotgraft_error, code, 4);
HOTGRAFT_AT(hotgraft_error, domain, 8);
HOTGRAFT_AT(hotgraft_error, message, 40);

/* session.h: hotgraft_ext_session */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_session), 64);
HOTGRAFT_AT(hotgraft_ext_session, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_session, schema, 4);
HOTGRAFT_AT(hotgraft_ext_session, layout_id, 8);
HOTGRAFT_AT(hotgraft_ext_session, create_session, 16);
HOTGRAFT_AT(hotgraft_ext_session, destroy_session, 24);
HOTGRAFT_AT(hotgraft_ext_session, save, 32);
HOTGRAFT_AT(hotgraft_ext_session, restore, 40);
HOTGRAFT_AT(hotgraft_ext_session, take, 48);
HOTGRAFT_AT(hotgraft_ext_session, surrender, 56);

/* shared.h: hotgraft_ext_shared */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_shared), 48);
HOTGRAFT_AT(hotgraft_ext_shared, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_shared, schema, 4);
HOTGRAFT_AT(hotgraft_ext_shared, layout_id, 8);
HOTGRAFT_AT(hotgraft_ext_shared, bytes, 16);
HOTGRAFT_AT(hotgraft_ext_shared, align, 24);
HOTGRAFT_AT(hotgraft_ext_shared, init, 32);
HOTGRAFT_AT(hotgraft_ext_shared, attach, 40);

/* interface.h: hotgraft_table */
HOTGRAFT_GOLDEN(sizeof(hotgraft_table), 32);
HOTGRAFT_AT(hotgraft_table, struct_size, 0);
HOTGRAFT_AT(hotgraft_table, version, 4);
HOTGRAFT_AT(hotgraft_table, generation, 8);
HOTGRAFT_AT(hotgraft_table, self, 16);
HOTGRAFT_AT(hotgraft_table, meter, 24);
HOTGRAFT_AT(hotgraft_table, reserved, 28);

/* interface.h: hotgraft_slot */
HOTGRAFT_GOLDEN(sizeof(hotgraft_slot), 16);
HOTGRAFT_AT(hotgraft_slot, current, 0);
HOTGRAFT_AT(hotgraft_slot, check, 8);

/* host.h: hotgraft_host */
HOTGRAFT_GOLDEN(sizeof(hotgraft_host), 88);
HOTGRAFT_AT(hotgraft_host, struct_size, 0);
HOTGRAFT_AT(hotgraft_host, abi_minor, 4);
HOTGRAFT_AT(hotgraft_host, ctx, 8);
HOTGRAFT_AT(hotgraft_host, get_extension, 16);
HOTGRAFT_AT(hotgraft_host, log, 24);
HOTGRAFT_AT(hotgraft_host, realloc, 32);
HOTGRAFT_AT(hotgraft_host, enter, 40);
HOTGRAFT_AT(hotgraft_host, try_enter, 48);
HOTGRAFT_AT(hotgraft_host, leave, 56);
HOTGRAFT_AT(hotgraft_host, lease, 64);
HOTGRAFT_AT(hotgraft_host, unlease, 72);
HOTGRAFT_AT(hotgraft_host, guard_protocol, 80);
HOTGRAFT_AT(hotgraft_host, reserved, 84);

/* plugin.h: hotgraft_import */
HOTGRAFT_GOLDEN(sizeof(hotgraft_import), 56);
HOTGRAFT_AT(hotgraft_import, struct_size, 0);
HOTGRAFT_AT(hotgraft_import, flags, 4);
HOTGRAFT_AT(hotgraft_import, id, 8);
HOTGRAFT_AT(hotgraft_import, range, 16);
HOTGRAFT_AT(hotgraft_import, guard_protocol, 24);
HOTGRAFT_AT(hotgraft_import, slot, 32);
HOTGRAFT_AT(hotgraft_import, record_offset, 40);
HOTGRAFT_AT(hotgraft_import, host, 48);

/* plugin.h: hotgraft_plugin */
HOTGRAFT_GOLDEN(sizeof(hotgraft_plugin), 96);
HOTGRAFT_AT(hotgraft_plugin, struct_size, 0);
HOTGRAFT_AT(hotgraft_plugin, abi_minor, 4);
HOTGRAFT_AT(hotgraft_plugin, descriptor, 8);
HOTGRAFT_AT(hotgraft_plugin, descriptor_len, 16);
HOTGRAFT_AT(hotgraft_plugin, imports, 24);
HOTGRAFT_AT(hotgraft_plugin, import_count, 32);
HOTGRAFT_AT(hotgraft_plugin, create, 40);
HOTGRAFT_AT(hotgraft_plugin, start, 48);
HOTGRAFT_AT(hotgraft_plugin, quiesce, 56);
HOTGRAFT_AT(hotgraft_plugin, resume, 64);
HOTGRAFT_AT(hotgraft_plugin, destroy, 72);
HOTGRAFT_AT(hotgraft_plugin, get_interface, 80);
HOTGRAFT_AT(hotgraft_plugin, get_extension, 88);

/* state.h: hotgraft_sink */
HOTGRAFT_GOLDEN(sizeof(hotgraft_sink), 56);
HOTGRAFT_AT(hotgraft_sink, struct_size, 0);
HOTGRAFT_AT(hotgraft_sink, reserved, 4);
HOTGRAFT_AT(hotgraft_sink, ctx, 8);
HOTGRAFT_AT(hotgraft_sink, put, 16); /* 1.0 ends here, at 24 */
HOTGRAFT_AT(hotgraft_sink, add, 24);
HOTGRAFT_AT(hotgraft_sink, open, 32);
HOTGRAFT_AT(hotgraft_sink, write, 40);
HOTGRAFT_AT(hotgraft_sink, close, 48);

/* state.h: hotgraft_key, since 1.1 */
HOTGRAFT_GOLDEN(sizeof(hotgraft_key), 24);
HOTGRAFT_AT(hotgraft_key, text, 0);
HOTGRAFT_AT(hotgraft_key, len, 8);
HOTGRAFT_AT(hotgraft_key, number, 16);

/* state.h: hotgraft_item, since 1.1 */
HOTGRAFT_GOLDEN(sizeof(hotgraft_item), 64);
HOTGRAFT_AT(hotgraft_item, struct_size, 0);
HOTGRAFT_AT(hotgraft_item, type, 4);
HOTGRAFT_AT(hotgraft_item, key, 8);
HOTGRAFT_AT(hotgraft_item, number, 32);
HOTGRAFT_AT(hotgraft_item, real, 40);
HOTGRAFT_AT(hotgraft_item, data, 48);
HOTGRAFT_AT(hotgraft_item, len, 56);

/* state.h: hotgraft_source */
HOTGRAFT_GOLDEN(sizeof(hotgraft_source), 72);
HOTGRAFT_AT(hotgraft_source, struct_size, 0);
HOTGRAFT_AT(hotgraft_source, reserved, 4);
HOTGRAFT_AT(hotgraft_source, ctx, 8);
HOTGRAFT_AT(hotgraft_source, get, 16);
HOTGRAFT_AT(hotgraft_source, key_at, 24); /* 1.0 ends here, at 32 */
HOTGRAFT_AT(hotgraft_source, next, 32);
HOTGRAFT_AT(hotgraft_source, find, 40);
HOTGRAFT_AT(hotgraft_source, open, 48);
HOTGRAFT_AT(hotgraft_source, read, 56);
HOTGRAFT_AT(hotgraft_source, close, 64);

/* state.h: hotgraft_ext_state */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_state), 48);
HOTGRAFT_AT(hotgraft_ext_state, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_state, schema, 4);
HOTGRAFT_AT(hotgraft_ext_state, layout_id, 8);
HOTGRAFT_AT(hotgraft_ext_state, save, 16);
HOTGRAFT_AT(hotgraft_ext_state, restore, 24);
HOTGRAFT_AT(hotgraft_ext_state, take, 32);
HOTGRAFT_AT(hotgraft_ext_state, surrender, 40);

/* convert.h: hotgraft_converter, hotgraft_ext_convert */
HOTGRAFT_GOLDEN(sizeof(hotgraft_converter), 24);
HOTGRAFT_AT(hotgraft_converter, struct_size, 0);
HOTGRAFT_AT(hotgraft_converter, from_schema, 4);
HOTGRAFT_AT(hotgraft_converter, to_schema, 8);
HOTGRAFT_AT(hotgraft_converter, reserved, 12);
HOTGRAFT_AT(hotgraft_converter, convert, 16);
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_convert), 16);
HOTGRAFT_AT(hotgraft_ext_convert, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_convert, count, 4);
HOTGRAFT_AT(hotgraft_ext_convert, converters, 8);

/* health.h: hotgraft_ext_health */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_health), 16);
HOTGRAFT_AT(hotgraft_ext_health, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_health, reserved, 4);
HOTGRAFT_AT(hotgraft_ext_health, check, 8);

/* serving.h: hotgraft_ext_serving */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_serving), 16);
HOTGRAFT_AT(hotgraft_ext_serving, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_serving, reserved, 4);
HOTGRAFT_AT(hotgraft_ext_serving, wait, 8);

/* threads.h: hotgraft_ext_threads */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_threads), 32);
HOTGRAFT_AT(hotgraft_ext_threads, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_threads, reserved, 4);
HOTGRAFT_AT(hotgraft_ext_threads, register_thread, 8);
HOTGRAFT_AT(hotgraft_ext_threads, unregister_thread, 16);
HOTGRAFT_AT(hotgraft_ext_threads, count, 24);

/* callbacks.h: hotgraft_ext_callbacks */
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_callbacks), 48);
HOTGRAFT_AT(hotgraft_ext_callbacks, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_callbacks, reserved, 4);
HOTGRAFT_AT(hotgraft_ext_callbacks, offer, 8);
HOTGRAFT_AT(hotgraft_ext_callbacks, withdraw, 16);
HOTGRAFT_AT(hotgraft_ext_callbacks, enter, 24);
HOTGRAFT_AT(hotgraft_ext_callbacks, is_over, 32);
HOTGRAFT_AT(hotgraft_ext_callbacks, lease_to, 40);

/* notify.h: hotgraft_change, hotgraft_ext_notify */
HOTGRAFT_GOLDEN(sizeof(hotgraft_change), 40);
HOTGRAFT_AT(hotgraft_change, struct_size, 0);
HOTGRAFT_AT(hotgraft_change, flags, 4);
HOTGRAFT_AT(hotgraft_change, import, 8);
HOTGRAFT_AT(hotgraft_change, from_generation, 16);
HOTGRAFT_AT(hotgraft_change, to_generation, 24);
HOTGRAFT_AT(hotgraft_change, from_version, 32);
HOTGRAFT_AT(hotgraft_change, to_version, 36);
HOTGRAFT_GOLDEN(sizeof(hotgraft_ext_notify), 32);
HOTGRAFT_AT(hotgraft_ext_notify, struct_size, 0);
HOTGRAFT_AT(hotgraft_ext_notify, reserved, 4);
HOTGRAFT_AT(hotgraft_ext_notify, prepare, 8);
HOTGRAFT_AT(hotgraft_ext_notify, changed, 16);
HOTGRAFT_AT(hotgraft_ext_notify, called_off, 24);
HOTGRAFT_GOLDEN(HOTGRAFT_CHANGE_ROLLBACK, 1u);

/* call.h: hotgraft_record */
HOTGRAFT_GOLDEN(sizeof(hotgraft_record), 128);
HOTGRAFT_AT(hotgraft_record, depth, 0);
HOTGRAFT_AT(hotgraft_record, limit, 4);
HOTGRAFT_AT(hotgraft_record, entry, 8);

/* call.h: hotgraft_counts, behind the record from guard protocol 2 on; the counters follow it */
HOTGRAFT_GOLDEN(sizeof(hotgraft_counts), 16);
HOTGRAFT_AT(hotgraft_counts, reached, 0);
HOTGRAFT_AT(hotgraft_counts, leave_timed, 8);

/* call.h: hotgraft_guard */
HOTGRAFT_GOLDEN(sizeof(hotgraft_guard), 16);
HOTGRAFT_AT(hotgraft_guard, record, 0);
HOTGRAFT_AT(hotgraft_guard, depth, 8);

/* call.h: hotgraft_entered */
HOTGRAFT_GOLDEN(sizeof(hotgraft_entered), 16);
HOTGRAFT_AT(hotgraft_entered, table, 0);
HOTGRAFT_AT(hotgraft_entered, record, 8);

/* Numbers that cross. */
HOTGRAFT_GOLDEN(HOTGRAFT_ABI_MAJOR, 1u);
HOTGRAFT_GOLDEN(HOTGRAFT_ABI_MINOR, 1u);
HOTGRAFT_GOLDEN(HOTGRAFT_GUARD_PROTOCOL, 2u); /* the newest; what 1 lays down stands above, unchanged */
HOTGRAFT_GOLDEN(HOTGRAFT_TIMED, UINT64_C(1) << 63);
HOTGRAFT_GOLDEN(HOTGRAFT_RECORD_ENTRIES, 15);
HOTGRAFT_GOLDEN(HOTGRAFT_IMPORT_OPTIONAL, 1u);
HOTGRAFT_GOLDEN(HOTGRAFT_OK, 0);
HOTGRAFT_GOLDEN(HOTGRAFT_AGAIN, 1);
HOTGRAFT_GOLDEN(HOTGRAFT_E_FAILED, -1);
HOTGRAFT_GOLDEN(HOTGRAFT_E_UNSUPPORTED, -2);
HOTGRAFT_GOLDEN(HOTGRAFT_E_INVALID, -3);
HOTGRAFT_GOLDEN(HOTGRAFT_E_STATE_VERSION, -4);
HOTGRAFT_GOLDEN(HOTGRAFT_E_CANCELLED, -5);
HOTGRAFT_GOLDEN(HOTGRAFT_E_NOMEM, -6);
HOTGRAFT_GOLDEN(HOTGRAFT_E_BACKPRESSURE, -7);
HOTGRAFT_GOLDEN(HOTGRAFT_E_UNAVAILABLE, -8);
HOTGRAFT_GOLDEN(HOTGRAFT_LOG_DEBUG, 10);
HOTGRAFT_GOLDEN(HOTGRAFT_LOG_INFO, 20);
HOTGRAFT_GOLDEN(HOTGRAFT_LOG_WARNING, 30);
HOTGRAFT_GOLDEN(HOTGRAFT_LOG_ERROR, 40);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_I64, 1u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_F64, 2u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_TEXT, 3u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_BYTES, 4u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_U64, 5u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_BOOL, 6u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_NIL, 7u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_MAP, 8u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_ARRAY, 9u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_I64S, 10u);
HOTGRAFT_GOLDEN(HOTGRAFT_VALUE_F64S, 11u);

#if defined(HOTGRAFT_TESTS_WRONG_LAYOUT)
HOTGRAFT_AT(hotgraft_table, self, 24);
#endif

#endif /* HOTGRAFT_TESTS_ABI_LAYOUT_H */
