-- Gets authorization codes: the same request again and again, by a browser that is signed in and has consented.
--   wrk … -- OUT
-- The codes are written to OUT.0, OUT.1 …, one file a thread.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local out = assert(io.open(args[1] .. "." .. number, "w"))
   response = function(_, headers)
      local to = headers["Location"] or headers["location"] or ""
      local code = to:match("[?&]code=([^&]+)")
      if code then
         out:write(code, "\n")
      end
   end
end
