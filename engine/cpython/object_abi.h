/* Questions about the layout of CPython's own objects, answered by one objects_py3NN.c per Python.
 *
 * Iterators, cached functions and text files keep their position in C structs that no Python API
 * shows faithfully. Each answer describes such a struct as a table of fields, together with a
 * `probe`: a Python expression that makes an object whose numbers are known. A layout is used only
 * after its probe was read back correctly in the running interpreter (python/bindings/layouts.cpp);
 * otherwise the type is refused, never guessed.
 */
#ifndef ELSEWHERE_ENGINE_CPYTHON_OBJECT_ABI_H
#define ELSEWHERE_ENGINE_CPYTHON_OBJECT_ABI_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    elw_end = 0,
    elw_object,   /* PyObject *, owned, may be NULL */
    elw_required, /* PyObject *, owned, never NULL: its type's tp_dealloc relies on that */
    elw_untold,   /* str, owned, never NULL, that the type does not tell the collector of */
    elw_scratch,  /* tuple reused for results; its contents do not matter, its length does */
    elw_sparse,   /* tuple of its own that may have NULL items */
    elw_objects,  /* PyObject *[], owned; the field before says how many are in use */
    elw_ssize,    /* Py_ssize_t, also size_t and unsigned long */
    elw_long,     /* long */
    elw_int,      /* int */
    elw_char,     /* char or bool */
    elw_offset,   /* off_t */
    elw_indices,  /* Py_ssize_t[] of PyMem_Malloc; `related` names the field with its length: a
                     tuple or a number, listed before this one */
    elw_constant, /* a pointer that is the same in every object of the type */
    elw_backlink, /* no field: whether the owner (the first field's object) points back here, from
                     `offset` inside the owner */
    elw_pointer,  /* a raw pointer: only for native code that knows what it means */
} ElwKind;

typedef struct {
    const char *name;
    ElwKind kind;
    size_t offset;
    long probe; /* number kinds: the value in the probe object */
    size_t related;
} ElwField;

enum { elw_max_fields = 12 };

typedef struct {
    const char *name; /* as type.__module__ + "." + type.__qualname__; builtins without module */
    const char
        *probe; /* expression with the names of itertools, collections and `imported` bound */
    const char *imported; /* the module the probe needs, or NULL */
    size_t size;          /* tp_basicsize */
    int whole;            /* 1: the fields are all there is, an object can be made from them */
    ElwField fields[elw_max_fields];
} ElwLayout;

/* The table; ends with a row without a name. */
const ElwLayout *elw_layouts(void);

/* The namespace of a class: `type->tp_dict`, where the version keeps it there. Borrowed. */
PyObject *elw_type_dict(PyTypeObject *type);

/* The entries of a dict, from *at = 0 on: a key and the hash that is kept with it, both borrowed.
 * False at the end. From 3.13 on nothing of a dict whose keys are all strings. */
bool elw_dict_next(PyObject *dict, Py_ssize_t *at, PyObject **key, Py_hash_t *hash);

/* A function's annotations as far as they have been evaluated, and the function that evaluates
 * them; either may be NULL. Borrowed. Runs no code of the program. */
PyObject *elw_function_annotations(PyObject *function);
PyObject *elw_function_annotate(PyObject *function);
/* Sets both, neither at the price of the other. 0, or -1 with an exception. */
int elw_set_function_annotations(PyObject *function, PyObject *annotations, PyObject *annotate);

/* type.__qualname__ without its module: a new reference. */
PyObject *elw_type_qualname(PyTypeObject *type);

bool elw_instances_have_dict(PyTypeObject *type);

/* The values of an instance of a Python class that keeps its attributes in itself, or of a dict
 * that shares its keys, in the order in which they are destroyed: how many places there are for
 * them, some NULL. NULL where they are elsewhere, and in 3.11 once the instance lets them go.
 * Borrowed. */
PyObject **elw_values(PyObject *owner, Py_ssize_t *count);

/* BaseExceptionGroup, borrowed, or NULL before 3.11. */
PyTypeObject *elw_exception_group(void);

/* The functions registered with atexit, oldest first: a new list of (function, args, kwargs). */
PyObject *elw_atexit_callbacks(void);

/* Tests what the layouts' own probes do not cover; NULL, or what is not as expected. */
const char *elw_objects_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
