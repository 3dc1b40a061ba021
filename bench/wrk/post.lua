-- Sends the lines of a file in turn as the bodies of POST requests:
--   wrk … -- FILE CONTENT_TYPE [OUT]
-- With OUT, the access tokens of the answers are written to OUT.0, OUT.1 …, one file a thread.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   requests, at = {}, number
   wrk.method = "POST"
   wrk.headers["Content-Type"] = args[2]
   for line in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format(nil, nil, nil, line)
   end
   if args[3] then
      local out = assert(io.open(args[3] .. "." .. number, "w"))
      response = function(_, _, body)
         local token = body:match('"access_token":"([^"]+)"')
         if token then
            out:write(token, "\n")
         end
      end
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end
