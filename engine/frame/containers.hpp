#pragma once

#include <optional>
#include <vector>

#include "engine/frame/c_calls.hpp"

// Containers that are being destroyed: which of their objects they have not let go yet. They are
// read, and so are the objects that they still have; nothing else that they point to is.
namespace elsewhere::frame {

// Of several that are dropped one after the other.
enum class Order : std::uint8_t {
    unknown,
    cleared,  // whatever has been dropped is in its place no more
    forward,  // the others are behind it
    backward, // the others are ahead of it
    none,     // now this, now that
};

// What is known of the order so far, once one at `place` has died behind another one at `before`;
// -1: it was in no place.
Order order_of(Order known, int before, int place);

enum class Kind : std::uint8_t {
    none,
    list,
    tuple,
    dict,
    values, // an instance that keeps its attributes in itself
    owner,  // an instance that has a dict which is a container, too
};

// The kind of a container that is alive; `none`: nothing is known of it.
Kind kind_of(PyObject *container);

// What is in the places of a container, some null. `values`: where an instance had them, if it has
// forgotten that.
std::vector<PyObject *> contents(Kind kind, PyObject *container, PyObject **values = nullptr);

// One that destroys itself, as the C calls show which wait in it.
struct Container {
    Kind kind = Kind::none;
    std::vector<std::uintptr_t> shape; // of the calls
    std::vector<Place> itself;         // where it is, among them
    std::vector<Place> holder;         // of an owner its dict, of an instance its values
    Order order = Order::unknown;
};

// What the container still lets go once `object` is gone, in this order; nothing where that cannot
// be told. `container` becomes what is destroyed itself.
std::optional<std::vector<PyObject *>> dropped_behind(const Container &known, CCalls calls,
                                                      PyObject *object, PyObject *&container);

// The same of a row of places.
std::optional<std::vector<PyObject *>> behind_in(const std::vector<PyObject *> &places, Order order,
                                                 const PyObject *object);

} // namespace elsewhere::frame
