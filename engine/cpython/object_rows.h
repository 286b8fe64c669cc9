/* How the rows of an elw_layouts() table are written; for the objects_py3NN.c alone. */
#ifndef ELSEWHERE_ENGINE_CPYTHON_OBJECT_ROWS_H
#define ELSEWHERE_ENGINE_CPYTHON_OBJECT_ROWS_H

#include "engine/cpython/object_abi.h"

/* clang-format off */
#define OBJECT(type, field) {#field, elw_object, offsetof(type, field), 0, 0}
#define REQUIRED(type, field) {#field, elw_required, offsetof(type, field), 0, 0}
#define UNTOLD(type, field) {#field, elw_untold, offsetof(type, field), 0, 0}
#define SCRATCH(type, field) {#field, elw_scratch, offsetof(type, field), 0, 0}
#define SPARSE(type, field) { #field, elw_sparse, offsetof(type, field), 0, 0 }
#define OBJECTS(type, field) {#field, elw_objects, offsetof(type, field), 0, 0}
#define SSIZE(type, field, probe) {#field, elw_ssize, offsetof(type, field), probe, 0}
#define LONG(type, field, probe) {#field, elw_long, offsetof(type, field), probe, 0}
#define INT(type, field, probe) {#field, elw_int, offsetof(type, field), probe, 0}
#define CHAR(type, field, probe) {#field, elw_char, offsetof(type, field), probe, 0}
#define OFFSET(type, field, probe) {#field, elw_offset, offsetof(type, field), probe, 0}
#define INDICES(type, field, related) {#field, elw_indices, offsetof(type, field), 0, related}
#define CONSTANT(type, field) {#field, elw_constant, offsetof(type, field), 0, 0}
#define BACKLINK(type, field) {#field, elw_backlink, offsetof(type, field), 0, 0}
#define POINTER(type, field) {#field, elw_pointer, offsetof(type, field), 0, 0}
/* The same for a struct inside of the struct. */
#define POINTER_IN(type, part, field) {#field, elw_pointer, offsetof(type, part.field), 0, 0}
#define SSIZE_IN(type, part, field, probe) {#field, elw_ssize, offsetof(type, part.field), probe, 0}
#define INT_IN(type, part, field, probe) {#field, elw_int, offsetof(type, part.field), probe, 0}
#define WHOLE(name, module, type, probe, ...) {name, probe, module, sizeof(type), 1, {__VA_ARGS__}}
#define PART(name, module, type, probe, ...) {name, probe, module, sizeof(type), 0, {__VA_ARGS__}}
/* clang-format on */

#endif
