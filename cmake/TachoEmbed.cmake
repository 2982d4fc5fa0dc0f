# tacho_embed(target symbol file): the file's bytes become part of the target, between
# tacho_<symbol>_begin and tacho_<symbol>_end (see base/embedded.h).
function(tacho_embed target symbol file)
  set(source ${CMAKE_BINARY_DIR}/embed/${symbol}.S)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .global tacho_@symbol@_begin
    .global tacho_@symbol@_end
    .balign 64
tacho_@symbol@_begin:
    .incbin "@file@"
tacho_@symbol@_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
