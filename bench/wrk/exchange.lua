-- Redeems authorization codes, each once.
--   wrk … -- FILE BODY
-- FILE has one code a line; thread 0 reads FILE.0, thread 1 FILE.1. BODY is the form but for the code, which is its last field.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   codes, at = {}, 0
   for line in io.lines(args[1] .. "." .. number) do
      codes[#codes + 1] = line
   end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
   -- Codes have one length, and so have the requests.
   local whole = wrk.format(nil, nil, nil, args[2] .. codes[1])
   head = whole:sub(1, -#codes[1] - 1)
end

function request()
   at = at + 1
   return head .. (codes[at] or error("no code is left"))
end
