#pragma once

#include <string>

#include "engine/object/walk.hpp"

// The kinds of objects, one file each. A Kind's `now` and `family` come from here.
namespace elsewhere::object {

// What a visit needs to know about `object`; throws Error{refused} for a kind that is not kept.
const Family &family_of(Walk &walk, PyObject *object);
// Tries to write an object without a visit: leaves, and what is known by name.
bool write_now(Walk &walk, PyObject *object, Reference &reference);

std::string type_name(PyObject *object);
// Takes the pending Python exception: "KeyError: 'x'".
std::string take_python_error();
// The pending exception, which is no longer pending, with its traceback; and its type and text.
Ref take_exception();
std::string described(PyObject *exception);
// A new string of ours for C++ text.
std::string text(PyObject *unicode);

// ---- leaves.cpp
bool now_string(Walk &, PyObject *, Reference &);
bool now_bytes(Walk &, PyObject *, Reference &);
bool now_byte_array(Walk &, PyObject *, Reference &);
bool now_int(Walk &, PyObject *, Reference &);
bool now_float(Walk &, PyObject *, Reference &);
bool now_complex(Walk &, PyObject *, Reference &);
bool now_singleton(Walk &, PyObject *, Reference &);
// ---- addresses.cpp
extern const Family address_family;
// Has the program been told it by id()?
bool is_told_address(long long value);
bool now_address(Walk &, PyObject *address, Reference &);
// Will what is at that address, or what it refers to weakly, be written later?
bool waits_for_object(Walk &, const Visit &);
// ---- containers.cpp
extern const Family list_family, tuple_family, dict_family, set_family, frozenset_family,
    cell_family;
PyObject *next_part(Walk &, Visit &);
void write_set_entries(Walk &, const Visit &, std::span<const Reference>);
void give_dict_so_far(Walk &, Visit &, std::span<const Reference> refs);
std::string key_label(PyObject *key);
// ---- functions.cpp
extern const Family function_family, code_family, method_family, builtin_family, descriptor_family;
void give_function_so_far(Walk &, Visit &, std::span<const Reference> refs);
std::uint64_t code_hash(PyObject *code);
// ---- namespaces.cpp
// In which order a class or module is given what it has, so that code of the program that makes
// instances of its own finds what it uses: functions and methods; values that lead to no instance;
// objects of the library; the rest, whose lists, dicts and sets are there, but empty.
enum class Rank { function, plain, of_library, other };
Rank rank_of(Walk &walk, PyObject *value);
bool is_container(PyObject *value);
// ---- classes.cpp
extern const Family class_family, namespace_family;
// Which of its parts, after methods and bases, is the first of the rest.
std::size_t others_of(const Visit &type);
void give_class_so_far(Walk &walk, Visit &visit, std::span<const Reference> refs, Reference inside);
// The reference of a class as far as it can be made at once: by name, or a shell whose contents
// follow in the visit `serial`.
Reference class_reference(Walk &, PyObject *type, std::uint32_t serial);
// Is it the namespace itself of a class, which code evaluated in the class's scope keeps in a cell?
bool is_class_namespace(Walk &, PyObject *dict);
// Was it made by a class statement or type(), not by C?
bool made_by_python(PyTypeObject *type);
// ---- modules.cpp
bool now_module(Walk &, PyObject *, Reference &);
bool now_named(Walk &, PyObject *, Reference &);
bool now_dict(Walk &, PyObject *, Reference &);
extern const Family module_family, module_names_family, module_entry_family;
void give_names_so_far(Walk &walk, Visit &module, Reference inside);
// A dict that is somebody's globals, as far as it can be made at once. The contents of a module
// kept by value are walked after the current root; those of another dict too if `later`, else by
// the caller (Walk::unfilled).
Reference globals_reference(Walk &, PyObject *dict, bool later = true);
// ---- instances.cpp
extern const Family plain_instance_family, based_instance_family;
// What has a part that is made at the end has its others before.
void give_instance_so_far(Walk &, Visit &, std::span<const Reference> refs);
// Its finalizer has run, and somebody has kept it.
void keep_finalized(Walk &, const Visit &);
// ---- reduce.cpp
extern const Family reduce_family;
// One that is put off, and still has to be made? `whole`: only if all that it is made of is whole.
bool is_unmade(const Visit &, bool whole);
// Do functions of the program give it its state or contents? They run once all else is there.
bool is_filled_by_program(const Visit &);
void make_by_call(Walk &, Visit &, std::span<const Reference> made_of);
bool now_buffer(Walk &, PyObject *, Reference &);
// ---- exceptions.cpp
extern const Family exception_family, traceback_family;
// ---- references.cpp
extern const Family weak_reference_family, proxy_family, view_family, super_family, slice_family;
// ---- frames.cpp
extern const Family generator_family, frame_family;

} // namespace elsewhere::object
