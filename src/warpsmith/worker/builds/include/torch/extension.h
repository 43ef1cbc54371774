// Stands in for torch/extension.h in a candidate's build: see torch/types.h beside this file. Bindings are
// only there for host code, which is where load_inline puts them.
#ifndef WARPSMITH_LEAN_EXTENSION_H
#define WARPSMITH_LEAN_EXTENSION_H

#include <torch/types.h>
#ifndef __CUDACC__
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/utils/pybind.h>
#endif

#endif
