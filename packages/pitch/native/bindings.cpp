// luthier.pitch._native: the trackers over NumPy arrays. One register_*() a method, each in
// <method>_bindings.cpp; what they share in method.h and stream.h.
#include <nanobind/nanobind.h>

#include "luthier/dispatch.h"
#include "luthier/python.h"
#include "registers.h"

NB_MODULE(_native, m) {
    luthier::watch_exit();
    m.attr("isa") = luthier::isa_name(luthier::selected_isa());
    luthier::pitch::register_streams(m);
    luthier::pitch::register_network(m);
    luthier::pitch::register_front_end(m);
    luthier::pitch::register_neural(m);
    luthier::pitch::register_yin(m);
    luthier::pitch::register_pyin(m);
    luthier::pitch::register_swipe(m);
    luthier::pitch::register_autocorrelation(m);
}
