# The Debian package: cpack --config BUILD/CPackConfig.cmake, or ./dev package.
install(FILES "${CMAKE_SOURCE_DIR}/packaging/tandem.service" DESTINATION lib/systemd/system COMPONENT server)
install(FILES "${CMAKE_SOURCE_DIR}/packaging/tandem.toml" DESTINATION "share/tandem" COMPONENT server)
install(DIRECTORY "${CMAKE_SOURCE_DIR}/docs/" DESTINATION share/doc/tandem COMPONENT server
  FILES_MATCHING PATTERN "*.md" PATTERN "decisions" EXCLUDE PATTERN "images" EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tandem)
set(CPACK_PACKAGE_VENDOR Tandem)
set(CPACK_PACKAGE_CONTACT "Tandem maintainers <maintainers@tandem.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "server that keeps an application's state the same on every surface")
set(CPACK_PACKAGE_DESCRIPTION "Clients send what changed; the server merges field by field, makes it durable and tells everybody.
 One binary with an embedded store, for records, texts of Yjs editors, presence and signals.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL server)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME tandem)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/postinst;${CMAKE_SOURCE_DIR}/packaging/prerm;${CMAKE_SOURCE_DIR}/packaging/postrm")
include(CPack)
