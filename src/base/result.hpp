#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/assert.hpp"
#include "base/errors.hpp"

namespace tandem::base {

// The value of a fallible function, or its Error. Reading the side that is not there is a
// programmer's error and panics.
template <class T>
class [[nodiscard]] Result {
    static_assert(!std::is_same_v<std::remove_cv_t<T>, Error>, "a Result's value is not an Error");

  public:
    using Value = T;

    // Implicit, so that a function returns a value or an Error without naming the Result.
    Result(const T& value) : state_(std::in_place_index<0>, value) {}
    Result(T&& value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, error) {}
    Result(ErrorCode code) : state_(std::in_place_index<1>, Error{code, 0}) {}

    // Any other argument that converts to T, for example a literal for a Result<std::string>.
    template <class U>
    requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, ErrorCode> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return *checked(std::get_if<0>(&state_)); }
    const T& value() const& { return *checked(std::get_if<0>(&state_)); }
    T&& value() && { return std::move(*checked(std::get_if<0>(&state_))); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    T value_or(T fallback) const& { return ok() ? value() : std::move(fallback); }
    T value_or(T fallback) && { return ok() ? std::move(*this).value() : std::move(fallback); }

    Error error() const { return *checked(std::get_if<1>(&state_)); }

  private:
    template <class P>
    static P* checked(P* side) {
        TANDEM_ASSERT(side != nullptr && "the other side of a Result was read");
        return side;
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    using Value = void;

    Result() = default;
    Result(Error error) : error_(error), is_error_(true) {}
    Result(ErrorCode code) : error_{code, 0}, is_error_(true) {}

    bool ok() const { return !is_error_; }
    explicit operator bool() const { return ok(); }

    Error error() const {
        TANDEM_ASSERT(is_error_);
        return error_;
    }

  private:
    Error error_{};
    bool is_error_ = false;
};

using Status = Result<void>;

inline Error fail(ErrorCode code, uint64_t detail = 0) { return Error{code, detail}; }

}  // namespace tandem::base

#define TANDEM_CONCAT_INNER(a, b) a##b
#define TANDEM_CONCAT(a, b) TANDEM_CONCAT_INNER(a, b)

// Returns the error of `expression` (a Result of any value) from the enclosing function, if it has
// one.
#define TANDEM_CHECK(expression)                                        \
    do {                                                                \
        if (auto&& tandem_checked = (expression); !tandem_checked.ok()) \
            return tandem_checked.error();                              \
    } while (false)

// `TANDEM_TRY(auto value, expression);` declares `value` from the Result, or returns its error.
#define TANDEM_TRY(declaration, expression) \
    TANDEM_TRY_INNER(TANDEM_CONCAT(tandem_try_, __LINE__), declaration, expression)
#define TANDEM_TRY_INNER(name, declaration, expression) \
    auto name = (expression);                           \
    if (!name.ok()) return name.error();                \
    declaration = *std::move(name)
