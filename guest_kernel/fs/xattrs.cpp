// Extended attributes; see the header.
#include "guest_kernel/fs/xattrs.hpp"

#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

constexpr std::string_view kClasses[] = {"user.", "trusted.", "security."};

/// Errors: EOPNOTSUPP; EINVAL for a class without a name.
Result<void> check_class(std::string_view name) {
    for (std::string_view prefix : kClasses)
        if (name.starts_with(prefix))
            return name.size() > prefix.size() ? Result<void>{} : fail(Errno::kEINVAL);
    return fail(Errno::kENOTSUP);
}

/// Who may: xattr_permission(). `wanted`: kRead or kWrite.
Result<void> check(const Path& path, std::string_view name, u32 wanted) {
    Inode& inode = *path.dentry->inode;
    bool writes = wanted == kWrite;
    if (writes && path.read_only()) return fail(Errno::kEROFS);
    sched::Credentials who = Caller::current().credentials;
    auto refuse = [&] { return fail(writes ? Errno::kEPERM : Errno::kENODATA); };
    if (name.starts_with("security.") || name.starts_with("system.")) {
        bool capability = name == "security.capability";
        bool may = who.can(capability ? sched::kCapSetFCap : sched::kCapSysAdmin);
        return writes && name.starts_with("security.") && !may ? fail(Errno::kEPERM) : Result<void>{};
    }
    if (name.starts_with("trusted.") && !who.can(sched::kCapSysAdmin)) return refuse();
    if (name.starts_with("user.")) {
        if (!inode.is_regular() && !inode.is_directory()) return refuse();
        Ownership own = inode.ownership();
        bool sticky = inode.is_directory() && (own.mode & kSticky);
        if (sticky && writes && own.uid != who.fsuid && !who.is_root()) return fail(Errno::kEPERM);
    }
    return check_access(inode, wanted, who);
}

/// struct vfs_cap_data (linux/capability.h): revision 2 without, 3 with the root of a user namespace.
Result<void> check_value(std::string_view name, std::span<const u8> value) {
    if (name != "security.capability") return {};
    constexpr u32 kRevisionMask = 0xff00'0000, kRevision2 = 0x0200'0000, kRevision3 = 0x0300'0000;
    u32 magic = 0;
    for (usize i = 0; i < sizeof magic && i < value.size(); i++) magic |= u32{value[i]} << (8 * i);
    u32 revision = magic & kRevisionMask;
    bool valid =
        (value.size() == 20 && revision == kRevision2) || (value.size() == 24 && revision == kRevision3);
    return valid ? Result<void>{} : fail(Errno::kEINVAL);
}

/// Checks, and the object's attributes; `make`s them, or answers null. Errors: EOPNOTSUPP.
Result<Xattrs*> attributes(const Path& path, std::string_view name, u32 wanted, bool make) {
    TRY(check(path, name, wanted));
    Xattrs* xattrs = TRY(path.dentry->inode->xattrs(false));
    TRY(check_class(name));
    return xattrs || !make ? Result<Xattrs*>(xattrs) : path.dentry->inode->xattrs(true);
}

Result<void> changed(const Path& path) {
    TRY(path.dentry->inode->set_attributes({.which = Attributes::kCtime}));
    notify_object(*path.dentry, kNotifyAttributes);
    return {};
}

}  // namespace

Xattrs::Attribute* Xattrs::find(List& list, std::string_view name) {
    for (Attribute& attribute : list)
        if (attribute.name.view() == name) return &attribute;
    return nullptr;
}

Result<void> Xattrs::set(std::string_view name, std::span<const u8> value, u32 flags) {
    Attribute fresh{TRY(String::from(name)), {}};
    TRY(fresh.value.append(value));
    auto list = list_.lock();
    Attribute* old = find(*list, name);
    if (old && (flags & kXattrCreate)) return fail(Errno::kEEXIST);
    if (!old && (flags & kXattrReplace)) return fail(Errno::kENODATA);
    usize bytes = name.size() + value.size();
    for (Attribute& other : *list)
        if (&other != old) bytes += other.name.size() + other.value.size();
    if (bytes > kMostBytes) return fail(Errno::kENOSPC);
    if (!old) return list->push_back(std::move(fresh));
    *old = std::move(fresh);
    return {};
}

Result<Vector<u8>> Xattrs::get(std::string_view name) {
    auto list = list_.lock();
    Attribute* attribute = find(*list, name);
    if (!attribute) return fail(Errno::kENODATA);
    Vector<u8> copy;
    TRY(copy.append(attribute->value));
    return copy;
}

Result<void> Xattrs::remove(std::string_view name) {
    auto list = list_.lock();
    Attribute* attribute = find(*list, name);
    if (!attribute) return fail(Errno::kENODATA);
    list->remove(static_cast<usize>(attribute - list->begin()));
    return {};
}

Result<String> Xattrs::names(bool trusted) {
    String names;
    auto list = list_.lock();
    for (const Attribute& attribute : *list) {
        if (!trusted && attribute.name.view().starts_with("trusted.")) continue;
        TRY(names.append(attribute.name.view()));
        TRY(names.push_back('\0'));
    }
    return names;
}

Result<void> set_xattr(const Path& path, std::string_view name, std::span<const u8> value, u32 flags) {
    TRY(check_value(name, value));
    Xattrs* xattrs = TRY(attributes(path, name, kWrite, true));
    TRY(xattrs->set(name, value, flags));
    return changed(path);
}

Result<Vector<u8>> get_xattr(const Path& path, std::string_view name) {
    Xattrs* xattrs = TRY(attributes(path, name, kRead, false));
    return xattrs ? xattrs->get(name) : fail(Errno::kENODATA);
}

Result<void> remove_xattr(const Path& path, std::string_view name) {
    Xattrs* xattrs = TRY(attributes(path, name, kWrite, false));
    if (!xattrs) return fail(Errno::kENODATA);
    TRY(xattrs->remove(name));
    return changed(path);
}

Result<String> list_xattrs(const Path& path) {
    auto xattrs = path.dentry->inode->xattrs(false);
    if (!xattrs || !*xattrs) return String();  // a file system without any has nothing to list
    return (*xattrs)->names(Caller::current().credentials.can(sched::kCapSysAdmin));
}

}  // namespace astra::fs
