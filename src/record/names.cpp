#include "record/change.hpp"
#include "record/op.hpp"

namespace tandem::record {

std::string_view name_of(OpKind kind) {
    switch (kind) {
        case OpKind::set:
            return "set";
        case OpKind::remove_node:
            return "delete";
        case OpKind::assign:
            return "assign";
        case OpKind::inc:
            return "inc";
        case OpKind::counter_set:
            return "counter_set";
        case OpKind::add:
            return "add";
        case OpKind::remove:
            return "remove";
        case OpKind::insert:
            return "insert";
        case OpKind::move:
            return "move";
    }
    return "";
}

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::none:
            return "none";
        case Kind::map:
            return "map";
        case Kind::list:
            return "list";
        case Kind::set:
            return "set";
        case Kind::counter:
            return "counter";
        case Kind::reg:
            return "register";
    }
    return "";
}

std::string_view name_of(Resolver resolver) {
    switch (resolver) {
        case Resolver::keep:
            return "keep";
        case Resolver::lww:
            return "lww";
        case Resolver::max:
            return "max";
        case Resolver::min:
            return "min";
        case Resolver::mean:
            return "mean";
        case Resolver::set_union:
            return "union";
        case Resolver::text3:
            return "text3";
        case Resolver::manual:
            return "manual";
        case Resolver::agent:
            return "agent";
    }
    return "";
}

std::string_view name_of(Reason reason) {
    switch (reason) {
        case Reason::value:
            return "value";
        case Reason::position:
            return "position";
        case Reason::type:
            return "type";
        case Reason::generation:
            return "generation";
        case Reason::folded:
            return "folded";
    }
    return "";
}

std::string_view name_of(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::value:
            return "value";
        case ChangeKind::counter:
            return "counter";
        case ChangeKind::clear:
            return "clear";
        case ChangeKind::empty:
            return "empty";
        case ChangeKind::element:
            return "element";
        case ChangeKind::no_element:
            return "no_element";
        case ChangeKind::item:
            return "item";
        case ChangeKind::conflict:
            return "conflict";
        case ChangeKind::no_conflict:
            return "no_conflict";
        case ChangeKind::window:
            return "window";
        case ChangeKind::outside:
            return "outside";
    }
    return "";
}

}  // namespace tandem::record
