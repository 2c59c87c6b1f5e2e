// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The headers as C++17 programs written for Zircon use them: owning wrappers in
// the manner of zx::object, overloads, constant expressions. It compiles without
// a warning, and run where the module is loaded it prints "ok".

#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/process.h>
#include <zircon/rights.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/pager.h>
#include <zircon/syscalls/port.h>
#include <zircon/time.h>
#include <zircon/types.h>
#include <zvm.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wrap {

// Owns a handle.
class Handle {
 public:
  constexpr Handle() = default;
  explicit constexpr Handle(zx_handle_t value) : value_(value) {}
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  Handle(Handle &&other) noexcept : value_(other.release()) {}
  Handle &operator=(Handle &&other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Handle() { reset(); }

  zx_handle_t get() const { return value_; }
  bool is_valid() const { return value_ != ZX_HANDLE_INVALID; }
  zx_handle_t *reset_and_get_address() {
    reset();
    return &value_;
  }
  zx_handle_t release() { return std::exchange(value_, ZX_HANDLE_INVALID); }
  void reset(zx_handle_t value = ZX_HANDLE_INVALID) { zx_handle_close(std::exchange(value_, value)); }

  template <typename T>
  zx_status_t duplicate(zx_rights_t rights, T *result) const {
    static_assert(std::is_base_of_v<Handle, T>);
    return zx_handle_duplicate(value_, rights, result->reset_and_get_address());
  }
  template <typename T>
  zx_status_t replace(zx_rights_t rights, T *result) {
    return zx_handle_replace(release(), rights, result->reset_and_get_address());
  }
  zx_status_t get_info(uint32_t topic, void *buffer, size_t size, size_t *actual = nullptr,
                       size_t *avail = nullptr) const {
    return zx_object_get_info(value_, topic, buffer, size, actual, avail);
  }
  template <typename Record>
  zx_status_t get_info(zx_object_info_topic_t topic, Record *record) const {
    return get_info(topic, record, sizeof(*record));
  }
  zx_status_t set_name(const std::string &name) const {
    return zx_object_set_property(value_, ZX_PROP_NAME, name.data(), name.size());
  }
  zx_status_t get_name(std::array<char, ZX_MAX_NAME_LEN> *name) const {
    return zx_object_get_property(value_, ZX_PROP_NAME, name->data(), name->size());
  }

 private:
  zx_handle_t value_ = ZX_HANDLE_INVALID;
};

class Vmo : public Handle {
 public:
  using Handle::Handle;
  static zx_status_t create(uint64_t size, uint32_t options, Vmo *result) {
    return zx_vmo_create(size, options, result->reset_and_get_address());
  }
  zx_status_t read(void *data, uint64_t offset, size_t len) const {
    return zx_vmo_read(get(), data, offset, len);
  }
  zx_status_t write(const void *data, uint64_t offset, size_t len) const {
    return zx_vmo_write(get(), data, offset, len);
  }
  zx_status_t get_size(uint64_t *size) const { return zx_vmo_get_size(get(), size); }
  zx_status_t set_size(uint64_t size) const { return zx_vmo_set_size(get(), size); }
  zx_status_t get_stream_size(uint64_t *size) const { return zx_vmo_get_stream_size(get(), size); }
  zx_status_t set_stream_size(uint64_t size) const { return zx_vmo_set_stream_size(get(), size); }
  zx_status_t op_range(uint32_t op, uint64_t offset, uint64_t size, void *buffer = nullptr,
                       size_t buffer_size = 0) const {
    return zx_vmo_op_range(get(), op, offset, size, buffer, buffer_size);
  }
  zx_status_t set_cache_policy(uint32_t policy) const {
    return zx_vmo_set_cache_policy(get(), policy);
  }
  zx_status_t replace_as_executable(Vmo *result) {
    return zx_vmo_replace_as_executable(release(), ZX_HANDLE_INVALID,
                                        result->reset_and_get_address());
  }
};

// Does not own: the root belongs to the library.
class VmarRef {
 public:
  explicit constexpr VmarRef(zx_handle_t value) : value_(value) {}
  static VmarRef root_self() { return VmarRef(zx_vmar_root_self()); }
  zx_handle_t get() const { return value_; }

  zx_status_t map(zx_vm_option_t options, size_t vmar_offset, const Vmo &vmo, uint64_t vmo_offset,
                  size_t len, zx_vaddr_t *addr) const {
    return zx_vmar_map(value_, options, vmar_offset, vmo.get(), vmo_offset, len, addr);
  }
  zx_status_t unmap(zx_vaddr_t addr, size_t len) const { return zx_vmar_unmap(value_, addr, len); }
  zx_status_t protect(zx_vm_option_t options, zx_vaddr_t addr, size_t len) const {
    return zx_vmar_protect(value_, options, addr, len);
  }
  zx_status_t op_range(uint32_t op, zx_vaddr_t addr, size_t len) const {
    return zx_vmar_op_range(value_, op, addr, len, nullptr, 0);
  }
  zx_status_t allocate(zx_vm_option_t options, size_t offset, size_t size, Handle *child,
                       zx_vaddr_t *addr) const {
    return zx_vmar_allocate(value_, options, offset, size, child->reset_and_get_address(), addr);
  }
  zx_status_t destroy() const { return zx_vmar_destroy(value_); }

 private:
  zx_handle_t value_;
};

}  // namespace wrap

// What constant expressions and types may rely on.
static_assert(ZX_OK == 0 && ZX_ERR_ACCESS_DENIED == -30);
static_assert(ZX_DEFAULT_VMO_RIGHTS == 0xd0ef);
static_assert(zx_time_add_duration(ZX_TIME_INFINITE, ZX_SEC(1)) == ZX_TIME_INFINITE);
static_assert(zx_duration_from_msec(2) == ZX_MSEC(2));
static_assert(std::is_same_v<zx_handle_t, uint32_t> && std::is_same_v<zx_status_t, int32_t>);
static_assert(std::is_trivial_v<zx_port_packet_t> && std::is_standard_layout_v<zx_info_maps_t>);
static_assert(std::is_same_v<decltype(&zx_vmo_create),
                             zx_status_t (*)(uint64_t, uint32_t, zx_handle_t *)>);

namespace {

int failures;

void check(zx_status_t want, zx_status_t got, const char *what, int line) {
  if (want == got)
    return;
  std::printf("line %d: %s: %s, not %s\n", line, what, zx_status_get_string(got),
              zx_status_get_string(want));
  failures++;
}

void check(bool ok, const char *what, int line) {
  if (ok)
    return;
  std::printf("line %d: not so: %s\n", line, what);
  failures++;
}

#define OK(call) check(ZX_OK, (call), #call, __LINE__)
#define FAILS(status, call) check((status), (call), #call, __LINE__)
#define TRUE(condition) check((condition), #condition, __LINE__)

void vmos(size_t page) {
  wrap::Vmo vmo, read_only, exec;
  std::array<char, ZX_MAX_NAME_LEN> name{};
  zx_info_handle_basic_t basic{};
  zx_info_vmo_t info = {};
  uint64_t size = 0;
  char text[6] = {};

  OK(wrap::Vmo::create(page, ZX_VMO_RESIZABLE, &vmo));
  OK(vmo.set_name("c++"));
  OK(vmo.get_name(&name));
  TRUE(!std::strcmp(name.data(), "c++"));
  OK(vmo.write("hello", 1, 6));
  OK(vmo.read(text, 1, 6));
  TRUE(!std::strcmp(text, "hello"));
  OK(vmo.set_size(3 * page));
  OK(vmo.get_size(&size));
  TRUE(size == 3 * page);
  OK(vmo.set_stream_size(7));
  OK(vmo.get_stream_size(&size));
  TRUE(size == 7);
  OK(vmo.op_range(ZX_VMO_OP_COMMIT, 0, page));
  OK(vmo.set_cache_policy(ZX_CACHE_POLICY_CACHED));
  OK(vmo.duplicate(ZX_RIGHT_READ | ZX_RIGHT_MAP, &read_only));
  FAILS(ZX_ERR_ACCESS_DENIED, read_only.write("x", 0, 1));
  OK(vmo.get_info(ZX_INFO_VMO, &info));
  TRUE(info.committed_bytes == page && (info.flags & ZX_INFO_VMO_RESIZABLE));
  OK(vmo.get_info(ZX_INFO_HANDLE_BASIC, &basic));
  TRUE(basic.type == ZX_OBJ_TYPE_VMO && basic.koid == info.koid);
  OK(vmo.replace_as_executable(&exec));
  TRUE(!vmo.is_valid() && exec.is_valid());
  OK(exec.replace(ZX_RIGHT_NONE, &vmo));
  OK(zx_handle_check_valid(vmo.get()));
}

void vmars(size_t page) {
  constexpr zx_vm_option_t kReadWrite = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
  const wrap::VmarRef root = wrap::VmarRef::root_self();
  std::vector<zx_info_maps_t> maps(8);
  size_t actual = 0, avail = 0;
  zx_vaddr_t base = 0, addr = 0;
  zx_info_vmar_t info{};
  wrap::Handle child;
  wrap::Vmo vmo;

  OK(wrap::Vmo::create(page, 0, &vmo));
  OK(root.allocate(ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_COMPACT, 0, 4 * page, &child,
                   &base));
  const wrap::VmarRef region(child.get());
  OK(child.get_info(ZX_INFO_VMAR, &info));
  TRUE(info.base == base && info.len == 4 * page);
  OK(region.map(kReadWrite | ZX_VM_MAP_RANGE, 0, vmo, 0, page, &addr));
  *reinterpret_cast<volatile int *>(addr) = 42;
  OK(region.op_range(ZX_VMAR_OP_ZERO, addr, page));
  TRUE(*reinterpret_cast<volatile int *>(addr) == 0);
  OK(region.protect(ZX_VM_PERM_READ, addr, page));
  OK(child.get_info(ZX_INFO_VMAR_MAPS, maps.data(), maps.size() * sizeof(maps[0]), &actual,
                    &avail));
  TRUE(actual == 2 && avail == 2 && maps[1].u.mapping.mmu_flags == ZX_VM_PERM_READ);
  OK(region.unmap(addr, page));
  OK(region.destroy());
  FAILS(ZX_ERR_BAD_STATE, region.unmap(addr, page));
  FAILS(ZX_ERR_BAD_STATE, zx_vmar_unmap_handle_close_thread_exit(region.get(), addr, page, 0));
}

void linux_side() {
  struct zvm_stats stats = {};
  wrap::Handle lent, received;
  wrap::Vmo vmo;
  zx_handle_t many[2] = {};
  int sockets[2];

  OK(wrap::Vmo::create(1, 0, &vmo));
  TRUE(zvm_handle_to_fd(vmo.get()) >= 0);
  OK(zvm_handle_from_fd(dup(zvm_handle_to_fd(vmo.get())), &many[0]));
  OK(zx_handle_close_many(many, 2));
  TRUE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
  OK(zvm_handle_send(sockets[0], vmo.release()));
  OK(zvm_handle_recv(sockets[1], received.reset_and_get_address()));
  close(sockets[0]);
  close(sockets[1]);
  OK(zvm_vmar_lend(zx_vmar_root_self(), ZX_RIGHT_SAME_RIGHTS, lent.reset_and_get_address()));
  OK(zvm_vmar_print(stdout, lent.get()));
  OK(zvm_stats(&stats));
  TRUE(stats.vmos > 0);
}

void records() {
  zx_port_packet_t packet = {};
  packet.type = ZX_PKT_TYPE_USER;
  packet.user.u32[7] = 1;
  TRUE(ZX_PKT_IS_USER(packet.type) && packet.page_request.reserved1 == uint64_t{1} << 32);
  zx_wait_item_t items[] = {{ZX_HANDLE_INVALID, ZX_VMO_ZERO_CHILDREN, ZX_SIGNAL_NONE}};
  TRUE(items[0].waitfor == ZX_VMO_ZERO_CHILDREN);
  zx_iovec_t vectors[] = {{&packet, sizeof(packet)}, {nullptr, 0}};
  TRUE(vectors[0].capacity == 48);
  zx_vmo_dirty_range_t range{0, 1, ZX_VMO_DIRTY_RANGE_IS_ZERO};
  zx_pager_vmo_stats_t modified{ZX_PAGER_VMO_STATS_MODIFIED};
  zx_vmo_lock_state_t lock{};
  TRUE(range.options == 1 && modified.modified == 1 && lock.size == 0);
  TRUE(zx_deadline_after(ZX_TIME_INFINITE) == ZX_TIME_INFINITE);
  TRUE(zx_clock_get_monotonic() > 0);
}

}  // namespace

int main() {
  const size_t page = zx_system_get_page_size();

  vmos(page);
  vmars(page);
  linux_side();
  records();
  std::puts(failures ? "not ok" : "ok");
  return failures ? 1 : 0;
}
