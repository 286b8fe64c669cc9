#include "engine/frame/finalizers.hpp"

#include "engine/cpython/ref.hpp"

namespace elsewhere::frame {

namespace {

// Of all threads together, under the GIL: one that is counted for another only makes a suspend
// wait, and a thread-local would cost every generator its share of __tls_get_addr.
int depth = 0;

template <int which> struct Watched {
    static inline destructor original = nullptr;
    static void finalize(PyObject *object) {
        ++depth;
        original(object);
        --depth;
    }
    static void install(PyTypeObject *type) {
        if (type->tp_finalize == nullptr || type->tp_finalize == finalize) return;
        original = type->tp_finalize;
        type->tp_finalize = finalize;
    }
};

} // namespace

void watch_finalizers() {
    Watched<0>::install(&PyGen_Type);
    Watched<1>::install(&PyCoro_Type);
    Watched<2>::install(&PyAsyncGen_Type);
}

bool finalizing() { return depth > 0; }

} // namespace elsewhere::frame
