//===- Module.cpp - Loads objects made of kernels -------------------------===//
#include "Launch.h"
#include "tenon/cuda/emulator_abi.cuh"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tenon::vgpu {

namespace detail {

/// The thread-local anchor of host_cuda.cuh, which every object has and which is no __shared__ variable.
static constexpr size_t kAnchorBytes = 16;

LoadedObject::~LoadedObject() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

bool LoadedObject::contains(const void *pointer) const {
  Dl_info here, object;
  return dladdr(pointer, &here) && dladdr(reinterpret_cast<const void *>(anchor), &object) &&
         here.dli_fbase == object.dli_fbase;
}

LoadedObject::Shared LoadedObject::sharedVariables() const {
  // Touching the anchor makes the loader allocate this thread's copy of the segment.
  struct Search {
    uintptr_t anchor;
    Shared found;
  } search{reinterpret_cast<uintptr_t>(anchor()), {}};
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *data) {
        auto &search = *static_cast<Search *>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr) &header = info->dlpi_phdr[i];
          if (header.p_type != PT_TLS || !info->dlpi_tls_data)
            continue;
          if (search.anchor - reinterpret_cast<uintptr_t>(info->dlpi_tls_data) >= header.p_memsz)
            continue;
          // The anchor may lie anywhere in the segment, so it counts unless it is alone.
          size_t bytes = header.p_memsz > kAnchorBytes ? header.p_memsz : 0;
          search.found = {static_cast<unsigned char *>(info->dlpi_tls_data), bytes};
          return 1;
        }
        return 0;
      },
      &search);
  return search.found;
}

} // namespace detail

/// Opens `path` for `object`, which may own the file behind it; an error, or an empty string.
static std::string open(detail::LoadedObject &object, const std::string &path) {
  object.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object.handle) {
    const char *reason = dlerror();
    return std::string("cannot load kernels: ") + (reason ? reason : "unknown reason");
  }
  auto abi = reinterpret_cast<unsigned (*)()>(dlsym(object.handle, "tenon_vgpu_abi"));
  object.anchor = reinterpret_cast<void *(*)()>(dlsym(object.handle, "tenon_vgpu_anchor"));
  if (!abi || !object.anchor)
    return "cannot load kernels: the object was not compiled with tenon/cuda/base.cuh for the host";
  if (abi() != kAbiVersion)
    return "cannot load kernels: they were compiled for version " + std::to_string(abi()) +
           " of the virtual GPU, this is version " + std::to_string(kAbiVersion) + "; compile them again";
  return {};
}

Module Module::load(const std::string &path, std::string &error) {
  Module module;
  auto object = std::make_shared<detail::LoadedObject>();
  error = open(*object, path);
  if (error.empty())
    module.object = std::move(object);
  return module;
}

Module Module::load(const void *bytes, size_t size, std::string &error) {
  Module module;
  auto object = std::make_shared<detail::LoadedObject>();
  object->file = memfd_create("tenon-vgpu-kernels", MFD_CLOEXEC);
  for (size_t done = 0; done < size;) {
    ssize_t count = write(object->file, static_cast<const char *>(bytes) + done, size - done);
    if (count <= 0) {
      error = "cannot load kernels: no memory for a file of " + std::to_string(size) + " bytes";
      return module;
    }
    done += static_cast<size_t>(count);
  }
  error = open(*object, "/proc/self/fd/" + std::to_string(object->file));
  if (error.empty())
    module.object = std::move(object);
  return module;
}

Kernel Module::find(const std::string &name) const {
  Kernel kernel{object, name, nullptr};
  if (object)
    kernel.trampoline = reinterpret_cast<void (*)(void **)>(dlsym(object->handle, (name + "_vgpu").c_str()));
  return kernel;
}

} // namespace tenon::vgpu
